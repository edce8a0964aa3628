//! Feature gates: what of Kubernetes' optional behaviour is on.
//!
//! The names, and the syntax in which they are set, are Kubernetes'. Only gates that mean something here are known; any other
//! is refused, because a switch that does nothing misleads.

/// How far a feature has come, in Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// May change or go.
    Alpha,
    /// Settled in the main.
    Beta,
}

impl Stage {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alpha => "ALPHA",
            Self::Beta => "BETA",
        }
    }
}

/// A feature that can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Stands for all features in alpha that are not set by name.
    AllAlpha,
    /// Stands for all features in beta that are not set by name.
    AllBeta,
    /// Every server process keeps a Lease that says that it is there.
    ApiServerIdentity,
    /// Lease candidates are served, and the server elects among them.
    CoordinatedLeaderElection,
}

/// What is known of a feature.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// The feature.
    pub feature: Feature,
    /// Its name on the command line and in metrics.
    pub name: &'static str,
    /// Its stage in the Kubernetes that this server follows.
    pub stage: Stage,
    /// Whether it is on when nothing is said.
    pub default: bool,
}

/// Every gate, by name.
pub const GATES: [Gate; 4] = [
    Gate {
        feature: Feature::ApiServerIdentity,
        name: "APIServerIdentity",
        stage: Stage::Beta,
        default: true,
    },
    Gate {
        feature: Feature::AllAlpha,
        name: "AllAlpha",
        stage: Stage::Alpha,
        default: false,
    },
    Gate {
        feature: Feature::AllBeta,
        name: "AllBeta",
        stage: Stage::Beta,
        default: false,
    },
    Gate {
        feature: Feature::CoordinatedLeaderElection,
        name: "CoordinatedLeaderElection",
        stage: Stage::Beta,
        // Off in Kubernetes, whose clients have other ways; here it is a part of what the program is for.
        default: true,
    },
];

/// Which features are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    on: [bool; GATES.len()],
}

/// Nothing but the defaults.
impl Default for Features {
    fn default() -> Self {
        Self {
            on: GATES.map(|gate| gate.default),
        }
    }
}

impl Features {
    /// Reads settings such as `A=true,B=false`; where a feature is set twice, the last one counts.
    ///
    /// # Errors
    /// One line that says what is wrong: no `NAME=true|false`, or a name that is not known.
    pub fn parse<'a>(settings: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut set = [None; GATES.len()];
        let parts = settings.into_iter().flat_map(|text| text.split(','));
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("'{part}' has no value: write {part}=true or {part}=false"))?;
            set[position(name.trim())?] = Some(boolean(name.trim(), value.trim())?);
        }
        let mut features = Self::default();
        for (index, gate) in GATES.iter().enumerate() {
            let group = if gate.stage == Stage::Alpha {
                Feature::AllAlpha
            } else {
                Feature::AllBeta
            };
            features.on[index] = set[index]
                .or_else(|| set[index_of(group)].filter(|_| !gate.feature.is_group()))
                .unwrap_or(gate.default);
        }
        Ok(features)
    }

    /// Whether a feature is on.
    #[must_use]
    pub fn enabled(&self, feature: Feature) -> bool {
        self.on[index_of(feature)]
    }

    /// Every gate, and whether it is on.
    pub fn all(&self) -> impl Iterator<Item = (Gate, bool)> {
        GATES.into_iter().zip(self.on)
    }
}

impl Feature {
    const fn is_group(self) -> bool {
        matches!(self, Self::AllAlpha | Self::AllBeta)
    }
}

fn index_of(feature: Feature) -> usize {
    let found = GATES.iter().position(|gate| gate.feature == feature);
    found.expect("every feature has its gate, as a test shows")
}

fn position(name: &str) -> Result<usize, String> {
    let found = GATES.iter().position(|gate| gate.name == name);
    found.ok_or_else(|| {
        let known = GATES.map(|gate| gate.name).join(", ");
        format!("unrecognized feature gate '{name}'; the known ones are {known}")
    })
}

/// What Go reads as a truth value.
fn boolean(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("{name}='{value}' is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Feature::{ApiServerIdentity as Identity, CoordinatedLeaderElection as Election};

    #[test]
    fn what_is_set_counts_then_its_group_then_the_default() {
        for (settings, identity, election) in [
            (&[][..], true, true),
            (&["APIServerIdentity=false"], false, true),
            (&["APIServerIdentity=false,CoordinatedLeaderElection=0"], false, false),
            (
                &["APIServerIdentity=false", " CoordinatedLeaderElection = F "],
                false,
                false,
            ),
            (&["APIServerIdentity=false", "APIServerIdentity=true"], true, true),
            (&["AllBeta=false"], false, false),
            (&["APIServerIdentity=true,AllBeta=false,"], true, false),
            (&["AllAlpha=true"], true, true),
        ] {
            let features = Features::parse(settings.iter().copied()).unwrap();
            let on = (features.enabled(Identity), features.enabled(Election));
            assert_eq!(on, (identity, election), "{settings:?}");
        }
    }

    #[test]
    fn a_group_is_not_switched_by_a_group() {
        let features = Features::parse(["AllBeta=true"]).unwrap();
        assert!(features.enabled(Feature::AllBeta) && !features.enabled(Feature::AllAlpha));
        assert!(!Features::parse(["AllAlpha=true"]).unwrap().enabled(Feature::AllBeta));
    }

    #[test]
    fn what_makes_no_sense_is_told_in_one_line() {
        for (setting, why) in [
            ("Made", "'Made' has no value: write Made=true or Made=false"),
            ("AllBeta=yes", "AllBeta='yes' is neither true nor false"),
            (
                "Made=true",
                "unrecognized feature gate 'Made'; the known ones are APIServerIdentity, AllAlpha, AllBeta, \
                 CoordinatedLeaderElection",
            ),
        ] {
            assert_eq!(Features::parse([setting]), Err(why.to_owned()));
        }
    }

    #[test]
    fn every_feature_has_its_gate() {
        let all = [Feature::AllAlpha, Feature::AllBeta, Identity, Election];
        assert_eq!(all.len(), GATES.len());
        for feature in all {
            assert_eq!(GATES[index_of(feature)].feature, feature);
        }
    }
}
