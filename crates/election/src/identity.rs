//! Names of candidates and leases.

use std::fmt;

/// A lease's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseName {
    /// The namespace.
    pub namespace: String,
    /// The name in it.
    pub name: String,
}

impl LeaseName {
    /// A name in a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An identity that no other process start has: `HOST_PID_RANDOM`.
#[must_use]
pub fn unique_identity() -> String {
    format!("{}_{}_{:016x}", host_name(), std::process::id(), rand::random::<u64>())
}

/// The machine's name, as far as it has one.
pub(crate) fn host_name() -> String {
    let name = system_name();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

#[cfg(unix)]
fn system_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn system_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_identities_are_alike() {
        let (one, other) = (unique_identity(), unique_identity());
        assert_ne!(one, other);
        assert!(one.contains(&format!("_{}_", std::process::id())), "{one}");
    }
}
