//! `target/reliability.json`: what the reliability runs did, one key for each harness.
//!
//! Each run replaces its own key and leaves the others alone, so the file holds the last run of everything, each with the
//! commit it ran on and when. Several programs may write at once.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use serde_json::{Map, Value};

/// Puts the figures of a harness into the file, with the commit and the date.
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::InvalidData`] when the file is no JSON object or the figures are none.
pub fn record(harness: &str, figures: &impl Serialize) -> io::Result<()> {
    record_in(&file(), harness, figures)
}

/// A size of a run that can be set from outside, such as a number of images: what the variable says, or `default`.
///
/// # Panics
/// When the variable is set to something that is not a number: a long run must not be mistaken for a short one.
#[must_use]
pub fn size(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}"))
    })
}

/// `reliability.json` in cargo's target directory.
#[must_use]
pub fn file() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("reliability.json")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn record_in(file: &Path, harness: &str, figures: &impl Serialize) -> io::Result<()> {
    let mut entry = object(serde_json::to_value(figures)?)?;
    entry.insert("commit".to_owned(), commit().into());
    entry.insert("date".to_owned(), date().into());
    std::fs::create_dir_all(file.parent().unwrap_or(Path::new("")))?;
    // Held until the end of the function: what others write meanwhile would be lost.
    let lock = File::create(file.with_extension("lock"))?;
    lock.lock()?;
    let mut all = match std::fs::read(file) {
        Ok(text) => object(serde_json::from_slice(&text)?)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(error),
    };
    all.insert(harness.to_owned(), entry.into());
    // By way of another name, so that nobody ever reads half of it.
    let new = file.with_extension("new");
    std::fs::write(&new, serde_json::to_string_pretty(&all)? + "\n")?;
    std::fs::rename(new, file)
}

fn object(value: Value) -> io::Result<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{other} is no object"),
        )),
    }
}

/// The commit that is checked out, and whether the files differ from it; empty outside a clone.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return String::new();
    };
    match git(&["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => head,
        _ => head + "+changes",
    }
}

/// In UTC, to the second.
fn date() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_added_to_what_others_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("new/reliability.json");
        record_in(&file, "images", &json!({"recovered": 3})).unwrap();
        record_in(&file, "crash", &json!({"old": 1})).unwrap();
        record_in(&file, "crash", &json!({"operations": 60})).unwrap();
        let read: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(read["images"]["recovered"], 3);
        assert_eq!(
            (&read["crash"]["operations"], &read["crash"]["old"]),
            (&json!(60), &Value::Null)
        );
        let date = read["crash"]["date"].as_str().unwrap();
        assert!(date.len() == 20 && date.ends_with('Z'), "{date}");
        assert!(read["images"]["commit"].is_string());
    }

    #[test]
    fn what_is_no_object_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("reliability.json");
        std::fs::write(&file, "no JSON").unwrap();
        assert!(record_in(&file, "crash", &json!({})).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"no JSON");
        std::fs::remove_file(&file).unwrap();
        assert!(record_in(&file, "crash", &json!(3)).is_err());
        assert!(!file.exists());
    }
}
