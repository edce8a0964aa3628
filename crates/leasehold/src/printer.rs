//! The only place that prints: data to stdout, everything else to stderr.
//!
//! A closed pipe is not an error worth a panic: whoever closed it wants no more. Text that may hold what others wrote
//! goes through [`escape_controls`], so that nobody can drive the terminal of the person who reads it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Prints what was asked for to stdout, with one line break at its end.
pub(crate) fn data(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    let _ = out.flush();
}

/// Prints `leasehold: …` and at most one `hint: …` to stderr.
pub(crate) fn failure(failure: &Failure) {
    line("leasehold: ", failure.message());
    if let Some(hint) = failure.advice() {
        line("hint: ", hint);
    }
}

/// Prints `note: …` to stderr: worth knowing, nothing failed.
pub(crate) fn note(text: &str) {
    line("note: ", text);
}

/// Writes over the last line of the terminal on stderr, without ending it; an empty text clears it, and so does whatever
/// is written there next.
pub(crate) fn status(text: &str) {
    let mut out = io::stderr().lock();
    let _ = write!(out, "{CLEAR}{}", escape_controls(text));
    let _ = out.flush();
    LIVE.store(!text.is_empty(), Ordering::Relaxed);
}

/// Clears that line, if there is one.
pub(crate) fn clear() {
    let _ = write_cleared(b"");
}

/// stderr, for the log.
pub(crate) struct Stderr;

impl io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_cleared(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Whether the last thing on stderr is a line that lives.
static LIVE: AtomicBool = AtomicBool::new(false);
const CLEAR: &str = "\r\x1b[K";

fn write_cleared(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stderr().lock();
    if LIVE.swap(false, Ordering::Relaxed) {
        out.write_all(CLEAR.as_bytes())?;
    }
    out.write_all(bytes)
}

fn line(prefix: &str, text: &str) {
    let _ = write_cleared(format!("{prefix}{}\n", escape_controls(text)).as_bytes());
}

/// Writes control characters (line breaks too) as `\u{1b}` and the like; all else stays as it is.
pub(crate) fn escape_controls(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(escape_controls("a\x1b[2Jb\nc\u{9b}é"), "a\\u{1b}[2Jb\\nc\\u{9b}é");
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(escape_controls("plain “text”"), Cow::Borrowed(_)));
    }
}
