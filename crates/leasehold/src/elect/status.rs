//! The status file: who leads until when, for scripts.
//!
//! It is replaced at each renewal, so that a reader finds a whole one. It is not synced: after a crash of the machine
//! nobody leads here. `validUntil` is on the clock that counts suspend, which is also the first number in /proc/uptime.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use leasehold_clock::{Clock, Monotonic};
use serde::Serialize;

use crate::files;

/// Name of the clock, as clock_gettime(2) knows it.
const CLOCK: &str = if cfg!(target_os = "linux") {
    "CLOCK_BOOTTIME"
} else {
    "CLOCK_MONOTONIC"
};

/// What the file says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status<'a> {
    /// NAMESPACE/NAME.
    lease: &'a str,
    holder: &'a str,
    token: u64,
    valid_until: Moment,
    /// The same by the calendar, if nobody sets the clock meanwhile: for people.
    valid_until_wall: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Moment {
    clock: &'static str,
    seconds: f64,
}

impl<'a> Status<'a> {
    pub(super) fn new(lease: &'a str, holder: &'a str, token: u64, valid_until: Monotonic, clock: &dyn Clock) -> Self {
        let wall = clock.wall() + valid_until.since(clock.now());
        Self {
            lease,
            holder,
            token,
            valid_until: Moment {
                clock: CLOCK,
                seconds: to_microseconds(valid_until.0),
            },
            valid_until_wall: Timestamp::try_from(wall).ok(),
        }
    }
}

/// The file, removed when this is dropped.
#[derive(Debug)]
pub(super) struct StatusFile {
    path: PathBuf,
}

impl StatusFile {
    /// The one at this path, or one of our own. Nothing is written yet.
    pub(super) fn new(given: Option<&Path>) -> io::Result<Self> {
        let path = match given {
            Some(path) => std::path::absolute(path)?,
            None => own_dir().join(format!("leasehold-elect-{}.json", uuid::Uuid::new_v4().simple())),
        };
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces it.
    pub(super) fn write(&self, status: &Status<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(status)?;
        text.push(b'\n');
        let beside = self.beside();
        let _ = std::fs::remove_file(&beside); // Left by one that was killed.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(files::PRIVATE)
            .open(&beside)?;
        file.write_all(&text)?;
        std::fs::rename(&beside, &self.path)
    }

    fn beside(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.new"))
    }
}

impl Drop for StatusFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(self.beside());
    }
}

fn own_dir() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(dir) if Path::new(&dir).is_dir() => dir.into(),
        _ => std::env::temp_dir(),
    }
}

/// Rounded down, so that nobody believes it longer than it is true.
fn to_microseconds(time: Duration) -> f64 {
    Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use leasehold_clock::SystemClock;

    use super::*;

    #[test]
    fn it_is_replaced_and_in_the_end_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.json");
        let file = StatusFile::new(Some(&path)).unwrap();
        for token in [7, 8] {
            let until = Monotonic(Duration::new(1234, 567_890_999));
            file.write(&Status::new("ns/job", "me", token, until, &SystemClock))
                .unwrap();
            let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(value["token"], token);
            assert_eq!(
                value["validUntil"],
                serde_json::json!({ "clock": CLOCK, "seconds": 1234.56789 })
            );
            assert_eq!((&value["lease"], &value["holder"]), (&"ns/job".into(), &"me".into()));
            assert!(value["validUntilWall"].is_string());
        }
        drop(file);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
