//! Which etcds there are, and where.

use std::path::{Path, PathBuf};

/// A line of etcd releases that is tested with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Debian's, whose progress notifications are not sound.
    V3_4,
    /// Built from the module that `tests/etcd/build/go.mod` names.
    V3_6,
}

impl Version {
    const ALL: [Self; 2] = [Self::V3_4, Self::V3_6];

    /// Those that are here, the newest last.
    ///
    /// # Panics
    /// If there is none, with a line that says how to get one: a test that cannot run must not pass.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let found: Vec<_> = Self::ALL
            .into_iter()
            .filter(|version| version.program().is_file())
            .collect();
        assert!(!found.is_empty(), "no etcd is here: `cargo xtask test etcd` gets one");
        found
    }

    /// The newest that is here.
    ///
    /// # Panics
    /// As [`Version::available`].
    #[must_use]
    pub fn newest() -> Self {
        *Self::available().last().expect("one is available")
    }

    /// Its program: what the environment names, or what `cargo xtask test` got.
    #[must_use]
    pub fn program(self) -> PathBuf {
        let (variable, name) = match self {
            Self::V3_4 => ("LEASEHOLD_TEST_ETCD_34", "etcd-3.4"),
            Self::V3_6 => ("LEASEHOLD_TEST_ETCD", "etcd-3.6"),
        };
        let fetched = || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../target/etcd")
                .join(name)
        };
        std::env::var_os(variable).map_or_else(fetched, PathBuf::from)
    }
}
