//! What a tidy file is: pure functions from a path and a text to problems.

/// A source file longer than this holds more than one idea.
const MAX_LINES: usize = 700;

/// Directories that exist on one machine only. Spelt in two parts, so that this file is tidy itself.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Recorded from others or found by a fuzzer, byte for byte: their white space is not ours to change.
const RECORDED: [&str; 4] = ["tests/conformance/", "fuzz/corpus/", "Cargo.lock", "LICENSE"];

/// All problems of one file, each as `path:line: problem`.
pub(crate) fn problems(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if path.ends_with(".rs") && text.lines().count() > MAX_LINES {
        problems.push(format!("{path}:1: more than {MAX_LINES} lines; split it by idea"));
    }
    let is_recorded = !path.ends_with(".rs") && RECORDED.iter().any(|prefix| path.starts_with(prefix));
    for (index, line) in text.split('\n').enumerate() {
        let mut add = |problem: &str| problems.push(format!("{path}:{}: {problem}", index + 1));
        if !is_recorded && line.ends_with([' ', '\t', '\r']) {
            add("white space at the end of the line");
        }
        if names_this_machine(line) {
            add("path of one machine");
        }
    }
    if !is_recorded && !text.is_empty() && !text.ends_with('\n') {
        problems.push(format!("{path}:{}: no line break at the end", text.lines().count()));
    }
    problems
}

/// Whether an absolute path of one machine is in the line; the same words inside a longer path are something else.
fn names_this_machine(line: &str) -> bool {
    let starts_a_path = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-~}/".contains(c))
    };
    MACHINE_PATHS
        .iter()
        .any(|path| line.match_indices(path).any(|(at, _)| starts_a_path(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = MACHINE_PATHS[0];

    #[test]
    fn a_tidy_file_has_no_problem() {
        assert_eq!(problems("src/a.rs", "fn a() {}\n\n// ok\n"), [""; 0]);
        assert_eq!(problems("empty", ""), [""; 0]);
    }

    #[test]
    fn each_problem_is_told_with_its_place() {
        for (path, text, wanted) in [
            ("a.md", "x \n".to_owned(), "a.md:1: white space"),
            ("a.md", "x\n\t\n".to_owned(), "a.md:2: white space"),
            ("a.md", "x\r\n".to_owned(), "a.md:1: white space"),
            ("a.md", "x".to_owned(), "a.md:1: no line break"),
            ("a.md", format!("\nsee `{MACHINE}x`\n"), "a.md:2: path of one machine"),
            (
                "tests/conformance/a.json",
                format!("{MACHINE}x"),
                "tests/conformance/a.json:1: path of one machine",
            ),
            ("a.rs", "\n".repeat(701), "a.rs:1: more than 700 lines"),
        ] {
            let found = problems(path, &text);
            assert!(found.len() == 1 && found[0].starts_with(wanted), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn what_only_looks_like_a_problem_is_none() {
        for (path, text) in [
            ("a.md", format!("https://example.org{MACHINE}x\n")),
            ("a.md", format!("home{MACHINE}x ${{X}}{MACHINE}y\n")),
            ("a.md", "\n".repeat(701)),
            ("tests/conformance/a.json", "x \r\n ".to_owned()),
        ] {
            assert_eq!(problems(path, &text), [""; 0], "{text:?}");
        }
    }
}
