//! The log: to stderr, for people or as one JSON object a line.
//!
//! Whatever others wrote (names, user agents, paths) may end up in it, so control characters are escaped in both
//! forms. What must never be in it is kept out by the types: [`crate::secret::Secret`] cannot be formatted.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::fmt::{self, MakeWriter};

use crate::cli::{LogFormat, LogSettings};
use crate::failure::{Failure, Kind};
use crate::printer::{self, escape_controls};

/// Starts logging for the rest of the process.
pub(crate) fn init(settings: &LogSettings) -> Result<(), Failure> {
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing::subscriber::set_global_default(subscriber(settings, colour, || printer::Stderr)?)
        .map_err(|error| Failure::new(Kind::Runtime, format!("cannot start logging: {error}")))
}

fn subscriber<W>(settings: &LogSettings, colour: bool, out: W) -> Result<Box<dyn Subscriber + Send + Sync>, Failure>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|error| Failure::new(Kind::Usage, format!("--log-level '{}': {error}", settings.filter)))?;
    let base = fmt::fmt().with_env_filter(filter).with_writer(out);
    Ok(match settings.format {
        LogFormat::Json => Box::new(base.json().flatten_event(true).finish()),
        LogFormat::Human => {
            let fields = debug_fn(|writer, field, value| {
                let value = format!("{value:?}");
                match field.name() {
                    "message" => write!(writer, "{}", escape_controls(&value)),
                    name => write!(writer, "{name}={}", escape_controls(&value)),
                }
            });
            Box::new(base.with_ansi(colour).fmt_fields(fields.delimited(" ")).finish())
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged of a name that holds a line break and an escape sequence.
    fn logged(format: LogFormat, filter: &str) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let settings = LogSettings {
            format,
            filter: filter.to_owned(),
        };
        let subscriber = subscriber(&settings, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let name = "a\n\x1b[2Jb";
            tracing::info!(plain = name, shown = %name, count = 3, "created {name}");
        });
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn nobody_can_forge_a_line_or_drive_the_terminal() {
        let text = logged(LogFormat::Human, "info");
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(!text.trim_end_matches('\n').contains(char::is_control), "{text:?}");
        assert!(text.contains(r"created a\n\u{1b}[2Jb "), "{text:?}");
        assert!(text.contains(r"shown=a\n\u{1b}[2Jb count=3"), "{text:?}");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged(LogFormat::Json, "info");
        assert_eq!(text.lines().count(), 1, "{text:?}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["shown"], "a\n\u{1b}[2Jb");
        assert_eq!(line["count"], 3);
    }

    #[test]
    fn what_is_below_the_level_is_not_logged() {
        assert_eq!(logged(LogFormat::Human, "warn"), "");
        assert_ne!(logged(LogFormat::Human, "warn,leasehold=info"), "");
    }
}
