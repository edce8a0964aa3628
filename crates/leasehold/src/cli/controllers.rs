//! Which controllers run: a list as kube-controller-manager's `--controllers` takes it.

use crate::failure::{Failure, Kind};

/// Those that can be switched off.
const NAMES: [&str; 8] = [
    "event-expiry",
    "identity-expiry",
    "leader-election-controller",
    "lease-ttl",
    "namespace-deletion",
    "node-monitor",
    "owner-collection",
    "server-identity",
];

/// Which of [`NAMES`] run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControllerChoice {
    off: Vec<&'static str>,
}

impl ControllerChoice {
    /// Reads a list: `*` is all, `NAME` one more, `-NAME` one less, whatever their order. No list is `*`.
    pub(crate) fn new(given: &[String]) -> Result<Self, Failure> {
        for item in given.iter().filter(|item| *item != "*") {
            let name = item.strip_prefix('-').unwrap_or(item);
            if !NAMES.contains(&name) {
                return Err(
                    Failure::new(Kind::Usage, format!("--controllers: there is no controller '{name}'"))
                        .hint(format!("there are {}", NAMES.join(", "))),
                );
            }
        }
        let has = |text: &str| given.iter().any(|item| item == text);
        let all = given.is_empty() || has("*");
        let is_off = |name: &&str| has(&format!("-{name}")) || !(all || has(name));
        Ok(Self {
            off: NAMES.into_iter().filter(is_off).collect(),
        })
    }

    /// Whether it runs. What cannot be switched off does.
    pub(crate) fn runs(&self, name: &str) -> bool {
        !self.off.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(given: &[&str]) -> Vec<&'static str> {
        let given: Vec<_> = given.iter().map(|item| (*item).to_owned()).collect();
        ControllerChoice::new(&given).expect("a good list").off
    }

    #[test]
    fn a_list_means_what_it_means_to_kube_controller_manager() {
        assert_eq!(off(&[]), [""; 0]);
        assert_eq!(off(&["*"]), [""; 0]);
        assert_eq!(off(&["*", "-node-monitor"]), ["node-monitor"]);
        assert_eq!(off(&["-node-monitor", "*", "node-monitor"]), ["node-monitor"]);
        assert_eq!(off(&["node-monitor"]).len(), NAMES.len() - 1);
        assert!(ControllerChoice::new(&["garbage-collector".to_owned()]).is_err());
    }
}
