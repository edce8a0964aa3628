//! docs/performance.md: what is measured is put between two marks, and all else stays as people wrote it.

use crate::command::root;

const PATH: &str = "docs/performance.md";

/// Puts the text in place of what is between the marks of this name.
pub(super) fn put(name: &str, text: &str) -> Result<(), String> {
    let path = root().join(PATH);
    let old = std::fs::read_to_string(&path).map_err(|error| format!("{PATH}: {error}"))?;
    let new = replaced(&old, name, text).ok_or_else(|| format!("{PATH} has no marks of the name {name}"))?;
    std::fs::write(&path, new).map_err(|error| format!("{PATH}: {error}"))
}

fn replaced(old: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let (before, rest) = old.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let old = "a\n<!-- table: begin -->\nold\n<!-- table: end -->\nb\n";
        let new = replaced(old, "table", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- table: begin -->\n\nnew\n\n<!-- table: end -->\nb\n");
        assert_eq!(replaced(&new, "table", "new").unwrap(), new);
        assert_eq!(replaced(old, "growth", "new"), None);
    }

    #[test]
    fn the_document_has_both_marks() {
        let text = std::fs::read_to_string(root().join(PATH)).unwrap();
        for name in ["table", "growth"] {
            assert!(replaced(&text, name, "x").is_some(), "{name}");
        }
    }
}
