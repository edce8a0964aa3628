//! Text that must not reach a log: private keys, and the files that embed them.

/// Secret text. It has neither `Debug` nor `Display`, so printing it takes a visible [`Secret::expose`].
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps the text.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself: for a file of mode 0600, a signature or the stdout of the person who asked for it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}
