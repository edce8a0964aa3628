//! Names of field managers.

use crate::validation::{FieldError, Path};

/// The longest name of a manager, in bytes.
pub const MANAGER_MAX: usize = 128;

/// Under whose name a write's fields are recorded: `fieldManager` if given, else the part of the `User-Agent` before
/// the first `/`, else `unknown`. From the `User-Agent`, what cannot be printed is left out and what is too long is
/// cut off; `field_manager` must have been checked before.
#[must_use]
pub fn manager_name(field_manager: &str, user_agent: &str) -> String {
    if !field_manager.is_empty() {
        return field_manager.to_owned();
    }
    let program = user_agent.split('/').next().unwrap_or("");
    let mut name = String::new();
    for c in program.chars().filter(|c| is_printable(*c)) {
        if name.len() + c.len_utf8() > MANAGER_MAX {
            break;
        }
        name.push(c);
    }
    if name.is_empty() {
        name.push_str("unknown");
    }
    name
}

/// Every rule of `fieldManager` that this name breaks.
pub(super) fn manager_errors(name: &str) -> Vec<FieldError> {
    let path = Path::new("fieldManager");
    let mut errors = Vec::new();
    if name.len() > MANAGER_MAX {
        errors.push(FieldError::too_long(&path, MANAGER_MAX));
    }
    for (at, c) in name.char_indices().filter(|(_, c)| !is_printable(*c)) {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(c));
        errors.push(FieldError::invalid(&path, name, &detail));
    }
    errors
}

/// Whether Go's `unicode.IsPrint` holds: letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    // The standard library's own table of what is printable shows only through its escapes. A mark is escaped when it
    // comes first, so it comes second.
    let mut shown = String::from("a");
    shown.push(c);
    shown.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_comes_from_the_option_or_the_user_agent() {
        let long = format!("m{}", "é".repeat(100));
        let cut = format!("m{}", "é".repeat(63));
        let cases = [
            ("me", "kubectl/v1.36", "me"),
            ("", "kubectl/v1.36 (linux/amd64)", "kubectl"),
            ("", "my agent", "my agent"),
            ("", "a\tb\u{200b}/1", "ab"),
            ("", "", "unknown"),
            ("", "/x", "unknown"),
            ("", "\u{7}/x", "unknown"),
            ("", &long, &cut),
        ];
        for (manager, agent, want) in cases {
            assert_eq!(manager_name(manager, agent), want, "{manager:?} {agent:?}");
        }
    }

    #[test]
    fn printable_is_what_go_prints() {
        for good in ['a', ' ', '"', '\\', 'é', '漢', '\u{301}', '😀', '\u{fffd}'] {
            assert!(is_printable(good), "{good:?}");
        }
        for bad in [
            '\t', '\n', '\0', '\u{7f}', '\u{85}', '\u{a0}', '\u{200b}', '\u{2028}', '\u{e000}', '\u{3000}',
        ] {
            assert!(!is_printable(bad), "{bad:?}");
        }
    }

    #[test]
    fn each_broken_rule_is_told() {
        assert_eq!(manager_errors("").len(), 0);
        assert_eq!(manager_errors(&"m".repeat(MANAGER_MAX)).len(), 0);
        let texts: Vec<_> = manager_errors(&format!("é\t{}", "m".repeat(MANAGER_MAX)))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(texts[0], "fieldManager: Too long: may not be more than 128 bytes");
        assert!(
            texts[1].ends_with("invalid character U+0009 (at position 2)"),
            "{}",
            texts[1]
        );
        assert_eq!(texts.len(), 2);
    }
}
