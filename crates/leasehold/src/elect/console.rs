//! What `elect` says on stderr: a line for every change, and on a terminal one that lives while it waits.

use std::io::IsTerminal;
use std::time::Duration;

use crate::printer;

/// Says it, or does not.
pub(super) struct Console {
    is_quiet: bool,
    /// Whether a line may be written over.
    is_live: bool,
}

impl Console {
    pub(super) fn new(is_quiet: bool) -> Self {
        Self {
            is_quiet,
            is_live: !is_quiet && std::io::stderr().is_terminal(),
        }
    }

    /// Something has changed.
    pub(super) fn note(&self, text: &str) {
        if !self.is_quiet {
            printer::note(text);
        }
    }

    /// How long this candidate has been waiting, on a terminal only.
    pub(super) fn waiting(&self, lease: &str, holder: Option<&str>, since: Duration) {
        if self.is_live {
            let held = holder.map(|holder| format!(", held by {holder}")).unwrap_or_default();
            printer::status(&format!("{lease}{held}: waiting for {} s", since.as_secs()));
        }
    }

    /// Takes the living line away, before anyone else writes.
    pub(super) fn clear(&self) {
        printer::clear();
    }
}
