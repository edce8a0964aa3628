//! What is served: which of the resources there are, and with which features.
//!
//! A cluster that keeps its leases here has namespaces, nodes and events of its own. Beside it only what coordinates is
//! served, and what the others would say is never guessed: a namespace that is not ours to know counts as one that exists.

use crate::features::Features;
use crate::resource::Resource;
use crate::resources::TABLE;

/// Which resources are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    Everything,
    /// Those of `coordination.k8s.io`: leases and their candidates. The others are left to a cluster.
    Coordination,
}

impl Scope {
    /// Whether a resource belongs to it.
    #[must_use]
    pub fn has(self, resource: &Resource) -> bool {
        match self {
            Self::Everything => true,
            Self::Coordination => resource.group == "coordination.k8s.io",
        }
    }

    /// The names under which its objects are stored, in order: what a store has to know of.
    #[must_use]
    pub fn stored(self) -> Vec<&'static str> {
        let own = TABLE.iter().filter(|resource| self.has(resource));
        let mut names: Vec<_> = own.map(|resource| resource.storage).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What a server offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// What is switched on.
    pub features: Features,
    /// Which resources there are, features aside.
    pub scope: Scope,
}

impl Served {
    /// Whether a resource is served.
    #[must_use]
    pub fn has(self, resource: &Resource) -> bool {
        let is_on = |feature| self.features.enabled(feature);
        self.scope.has(resource) && resource.feature.is_none_or(is_on)
    }

    /// Whether any resource of a group is served.
    #[must_use]
    pub fn has_group(self, group: &str) -> bool {
        self.resources().any(|resource| resource.group == group)
    }

    /// Every resource that is served, in the order of the table.
    pub fn resources(self) -> impl Iterator<Item = &'static Resource> {
        TABLE.iter().copied().filter(move |resource| self.has(resource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(features: &str, scope: Scope) -> Vec<&'static str> {
        let features = Features::parse([features]).unwrap();
        Served { features, scope }.resources().map(|it| it.plural).collect()
    }

    #[test]
    fn scope_and_features_both_have_a_say() {
        let all = ["namespaces", "nodes", "events", "leases", "leasecandidates", "events"];
        assert_eq!(names("", Scope::Everything), all);
        assert_eq!(names("", Scope::Coordination), ["leases", "leasecandidates"]);
        assert_eq!(
            names("CoordinatedLeaderElection=false", Scope::Coordination),
            ["leases"]
        );
        let stored = ["events", "leasecandidates", "leases", "minions", "namespaces"];
        assert_eq!(Scope::Everything.stored(), stored);
        assert_eq!(Scope::Coordination.stored(), stored[1..3]);
        let served = Served {
            scope: Scope::Coordination,
            ..Served::default()
        };
        assert!(served.has_group("coordination.k8s.io"));
        assert!(!served.has_group("") && !served.has_group("events.k8s.io"));
    }
}
