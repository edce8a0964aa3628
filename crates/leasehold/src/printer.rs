//! The only place that prints: data to stdout, everything else to stderr.
//!
//! A closed pipe is not an error worth a panic: whoever closed it wants no more. Text that may hold what others wrote
//! goes through [`escape_controls`], so that nobody can drive the terminal of the person who reads it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write as _};

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

/// Writes over the last line of the terminal on stderr, without ending it; an empty text clears it.
pub(crate) fn status(text: &str) {
    let mut err = io::stderr().lock();
    let _ = write!(err, "\r\x1b[K{}", escape_controls(text));
    let _ = err.flush();
}

fn line(prefix: &str, text: &str) {
    let _ = writeln!(io::stderr().lock(), "{prefix}{}", escape_controls(text));
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
