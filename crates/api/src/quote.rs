//! Text in quotes as Go prints it, for messages that programs and people know.

use std::fmt::{self, Write};

/// Shows a text as Go's `%q` does.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.0.chars().try_for_each(|c| write_char(c, f))?;
        f.write_char('"')
    }
}

fn write_char(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\x07' => f.write_str("\\a"),
        '\x08' => f.write_str("\\b"),
        '\x0b' => f.write_str("\\v"),
        '\x0c' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        ' '..='~' => f.write_char(c),
        '\0'..='\x7f' => write!(f, "\\x{:02x}", u32::from(c)),
        // Rust and Go agree on what can be printed but for a few characters added to Unicode between their releases.
        _ if c.escape_debug().len() == 1 => f.write_char(c),
        '\u{80}'..='\u{ffff}' => write!(f, "\\u{:04x}", u32::from(c)),
        _ => write!(f, "\\U{:08x}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::Quoted;

    #[test]
    fn quotes_as_go_does() {
        for (text, expected) in [
            ("", r#""""#),
            ("system:anonymous", r#""system:anonymous""#),
            ("it's \"a\\b\"", r#""it's \"a\\b\"""#),
            ("a\nb\tc\rd", r#""a\nb\tc\rd""#),
            ("\0\x07\x1b\x7f", r#""\x00\a\x1b\x7f""#),
            ("grün 🦀", r#""grün 🦀""#),
            ("\u{200b}\u{e0001}", r#""\u200b\U000e0001""#),
        ] {
            assert_eq!(Quoted(text).to_string(), expected);
        }
    }
}
