//! The figures of runs, and the file that all reliability runs share.

use std::fmt;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Error;

/// What was done, and what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Rounds, each with a store of its own.
    pub rounds: usize,
    /// How long they took, without the check.
    pub seconds: u64,
    /// SIGKILLs that the store survived.
    pub kills: usize,
    /// Of these, how many came while the server was starting.
    pub kills_at_start: usize,
    /// Ends in order, after SIGTERM.
    pub terminations: usize,
    /// SIGSTOP, and SIGCONT after a while.
    pub pauses: usize,
    /// Requests checked.
    pub operations: usize,
    /// Of these, writes and deletions that were acknowledged.
    pub writes_acknowledged: usize,
    /// Of these, how many got no answer.
    pub unknown: usize,
    /// Lists compared with the log.
    pub lists: usize,
    /// Events of watches compared with the log.
    pub events: usize,
    /// Of these, how many were bookmarks.
    pub bookmarks: usize,
    /// Watches that went on where another was cut.
    pub resumes: usize,
    /// Objects searched for an order without looking at revisions.
    pub searched: usize,
    /// Of these, how many searches were given up.
    pub undecided: usize,
    /// Broken promises.
    pub violations: usize,
}

impl Figures {
    /// Requests without an answer, in hundredths of a percent.
    fn unknown_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
        let share = self.unknown as f64 / self.operations.max(1) as f64;
        (share * 10_000.0).round() / 100.0
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        // Written out in full, so that a new figure cannot be forgotten here.
        *self = Self {
            rounds: self.rounds + other.rounds,
            seconds: self.seconds + other.seconds,
            kills: self.kills + other.kills,
            kills_at_start: self.kills_at_start + other.kills_at_start,
            terminations: self.terminations + other.terminations,
            pauses: self.pauses + other.pauses,
            operations: self.operations + other.operations,
            writes_acknowledged: self.writes_acknowledged + other.writes_acknowledged,
            unknown: self.unknown + other.unknown,
            lists: self.lists + other.lists,
            events: self.events + other.events,
            bookmarks: self.bookmarks + other.bookmarks,
            resumes: self.resumes + other.resumes,
            searched: self.searched + other.searched,
            undecided: self.undecided + other.undecided,
            violations: self.violations + other.violations,
        };
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "crash: {} kills ({} at start), {} terminations, {} pauses in {} s; {} operations, {} % unknown, {} writes \
             acknowledged; {} lists, {} events ({} bookmarks), {} resumes; {} objects searched, {} undecided; {} violations",
            self.kills,
            self.kills_at_start,
            self.terminations,
            self.pauses,
            self.seconds,
            self.operations,
            self.unknown_share(),
            self.writes_acknowledged,
            self.lists,
            self.events,
            self.bookmarks,
            self.resumes,
            self.searched,
            self.undecided,
            self.violations,
        )
    }
}

/// `reliability.json` in cargo's target directory.
#[must_use]
pub fn file() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    target.join("reliability.json")
}

/// Puts the figures under `crash` in the file; what other runs have put there stays.
pub fn record(file: &Path, figures: &Figures) -> Result<(), Error> {
    let mut all: Map<String, Value> = match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(error.into()),
    };
    let mut value = serde_json::to_value(figures)?;
    value["unknownPercent"] = json!(figures.unknown_share());
    all.insert("crash".to_owned(), value);
    // By way of another name, so that nobody ever reads half of it.
    let new = file.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, serde_json::to_string_pretty(&all)? + "\n")?;
    Ok(std::fs::rename(new, file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_added_to_what_others_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("reliability.json");
        std::fs::write(&file, r#"{"images": {"recovered": 3}, "crash": {"old": 1}}"#).unwrap();
        let mut figures = Figures {
            operations: 30,
            unknown: 1,
            ..Figures::default()
        };
        figures += figures;
        record(&file, &figures).unwrap();
        let read: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(read["images"]["recovered"], 3);
        assert_eq!(
            (&read["crash"]["operations"], &read["crash"]["old"]),
            (&json!(60), &Value::Null)
        );
        assert_eq!(read["crash"]["unknownPercent"], json!(3.33));
        std::fs::write(&file, "no JSON").unwrap();
        assert!(record(&file, &figures).is_err());
    }
}
