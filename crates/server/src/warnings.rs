//! `Warning` headers.
//!
//! As in Kubernetes: each text once, at most 4 KiB in all; where that is not enough, each is cut to 256 characters, and
//! then as many as fit.

use std::fmt::Write as _;

use http::header::WARNING;
use http::{HeaderMap, HeaderValue};

/// How many characters of warnings a reply carries.
const TOTAL_MAX: usize = 4 * 1024;
/// How many characters of each it carries when there are too many.
const ITEM_MAX: usize = 256;

/// Adds warnings to the headers of a reply.
pub(crate) fn add<'a>(headers: &mut HeaderMap, warnings: impl Iterator<Item = &'a str>) {
    let mut texts: Vec<&str> = Vec::new();
    for text in warnings {
        // A control character could end the header.
        if !text.is_empty() && !text.contains(char::is_control) && !texts.contains(&text) {
            texts.push(text);
        }
    }
    let total: usize = texts.iter().map(|text| text.chars().count()).sum();
    let cut = total > TOTAL_MAX;
    let mut written = 0;
    for text in texts {
        if written >= TOTAL_MAX {
            break;
        }
        let shown: String = text.chars().take(if cut { ITEM_MAX } else { usize::MAX }).collect();
        written += shown.chars().count();
        if let Ok(value) = HeaderValue::from_bytes(quoted(&shown).as_bytes()) {
            headers.append(WARNING, value);
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 10);
    out.push_str("299 - \"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        let _ = out.write_char(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(warnings: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        add(&mut headers, warnings.iter().copied());
        let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().to_vec()).unwrap();
        headers.get_all(WARNING).iter().map(text).collect()
    }

    #[test]
    fn quotes_are_escaped_and_texts_told_once() {
        let got = headers(&[
            r#"unknown field "spec.x""#,
            "",
            r"a\b",
            r#"unknown field "spec.x""#,
            "é",
        ]);
        assert_eq!(
            got,
            [r#"299 - "unknown field \"spec.x\"""#, r#"299 - "a\\b""#, r#"299 - "é""#]
        );
    }

    #[test]
    fn no_warning_can_add_a_header() {
        assert!(headers(&["a\r\nSet-Cookie: b", "\0", "\u{85}"]).is_empty());
    }

    #[test]
    fn too_many_are_cut_and_then_left_out() {
        let long: Vec<String> = (0..40).map(|n| format!("{n:02}{}", "x".repeat(300))).collect();
        let texts: Vec<&str> = long.iter().map(String::as_str).collect();
        let got = headers(&texts);
        assert_eq!(got.len(), TOTAL_MAX / ITEM_MAX);
        assert!(got.iter().all(|header| header.len() == ITEM_MAX + r#"299 - """#.len()));
        assert_eq!(headers(&texts[..3])[2].len(), 302 + 8);
    }
}
