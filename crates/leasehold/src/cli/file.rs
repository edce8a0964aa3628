//! The TOML file that can hold every flag of `serve`.

use std::path::Path;

use super::args::ServeArgs;
use crate::failure::{Failure, Kind};

/// Reads the file. A path in it is relative to the working directory, as on the command line.
pub(crate) fn read(path: &Path) -> Result<ServeArgs, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Kind::Usage,
            format!("cannot read configuration {}: {error}", path.display()),
        )
    })?;
    parse(&text).map_err(|problem| Failure::new(Kind::Usage, format!("{}: {problem}", path.display())))
}

/// The flags in the text, or what is wrong with it and in which line. An unknown key names the known ones.
fn parse(text: &str) -> Result<ServeArgs, String> {
    toml::from_str(text).map_err(|error| {
        let message = error
            .message()
            .replace('\n', "; ")
            .replace("unknown field", "unknown key");
        match error.span() {
            Some(span) => format!("line {}: {message}", 1 + text[..span.start].matches('\n').count()),
            None => message,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_one_line_that_names_the_known_ones() {
        let problem = parse("listen = \"127.0.0.1:1\"\nlissten = \"127.0.0.1:2\"\n").unwrap_err();
        assert!(
            problem.starts_with("line 2: unknown key `lissten`, expected one of `data-dir`, `listen`"),
            "{problem}"
        );
        assert!(!problem.contains('\n'));
    }

    #[test]
    fn a_bad_value_is_one_line_with_its_place() {
        for (text, line) in [
            ("\nevent-ttl = \"soon\"", "line 2: 'soon' is not a duration"),
            ("log-format = \"xml\"", "line 1: unknown variant `xml`"),
            ("tls-san = \"a\"", "line 1: invalid type"),
            ("listen = ", "line 1: "),
            ("listen = \"localhost\"", "line 1: "),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.starts_with(line), "{text:?}: {problem}");
            assert!(!problem.contains('\n'), "{text:?}: {problem}");
        }
    }
}
