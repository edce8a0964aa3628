//! Electors that are wrong in one way each, to show that the harness notices.
//!
//! They are one polling loop ([`looping`]) with one [`Flaw`]. Each flaw is one that electors in use have, and each has the rule
//! that must catch it, under a [`Profile`] in which nothing but that flaw can break the rule. The loop without a flaw must
//! pass: what is caught is the flaw, and not the loop. A last control is the shipped elector on clocks beyond its bound.

mod looping;
mod term;

use serde::{Deserialize, Serialize};

use crate::oracle::Rule;
use crate::plan::{ElectorKind, Profile, RHO_PPM};

pub(crate) use looping::campaign;

/// What is wrong with a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It leads until a deadline that starts anew when the reply to a renewal has come, as client-go's does.
    DeadlineFromReply,
    /// When it is told to stop it releases the lease, and tells its work afterwards, as client-go does.
    ReleaseBeforeCancel,
    /// What it releases is whatever it reads then, if it believes that it leads, as client-go does.
    BlanksAnother,
    /// It tells its work to stop and releases the lease at once.
    ReleaseBeforeWorkEnds,
    /// It judges whether a lease has expired from renewTime and its own calendar.
    WallClock,
    /// Its token is leaseTransitions.
    TransitionsAsToken,
}

/// A control: what runs, in which world, and the rule that must catch it.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// What it is called in reports.
    pub name: &'static str,
    /// What runs.
    pub elector: ElectorKind,
    /// In which world.
    pub profile: Profile,
    /// Which rule must be broken; none for what must pass.
    pub caught_by: Option<Rule>,
}

/// Clocks that are right, and nobody who sleeps or meddles: no excuse for two leaders.
const FAIR: Profile = Profile {
    skew_ppm: 0,
    sleeps: false,
    wall_steps: false,
    meddling: false,
    calm: false,
};

const fn looped(name: &'static str, flaw: Flaw, profile: Profile, caught_by: Option<Rule>) -> Control {
    Control {
        name,
        elector: ElectorKind::Control(flaw),
        profile,
        caught_by,
    }
}

/// All controls.
pub const CONTROLS: [Control; 8] = [
    looped("no flaw", Flaw::None, Profile::HOSTILE, None),
    looped(
        "deadline from reply",
        Flaw::DeadlineFromReply,
        FAIR,
        Some(Rule::Overlap),
    ),
    looped(
        "release before cancel",
        Flaw::ReleaseBeforeCancel,
        FAIR,
        Some(Rule::ReleasedWhileWorking),
    ),
    looped(
        "release blanks another's",
        Flaw::BlanksAnother,
        Profile { sleeps: true, ..FAIR },
        Some(Rule::BlankedAnother),
    ),
    looped(
        "release before work ended",
        Flaw::ReleaseBeforeWorkEnds,
        FAIR,
        Some(Rule::ReleasedWhileWorking),
    ),
    looped(
        "expiry by wall clock",
        Flaw::WallClock,
        Profile {
            wall_steps: true,
            ..FAIR
        },
        Some(Rule::Overlap),
    ),
    looped(
        "leaseTransitions as token",
        Flaw::TransitionsAsToken,
        Profile { meddling: true, ..FAIR },
        Some(Rule::TokenNotHigher),
    ),
    Control {
        name: "clocks beyond the bound",
        elector: ElectorKind::Shipped,
        profile: Profile {
            skew_ppm: 4 * RHO_PPM,
            ..FAIR
        },
        caught_by: Some(Rule::Overlap),
    },
];
