//! A run, written down: everything that is decided before it begins.
//!
//! A plan comes from a seed and a [`Profile`], or from a file of plans that once failed. It can be printed and read back, so
//! that a failure stays what it was when the way plans are made changes. During the run the seed decides the rest: delays,
//! losses, and what each leader's work does.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::controls::Flaw;
use crate::faults::{Fault, Meddling, Target};
use crate::network::Weather;
use crate::time::{Nanos, Rate, SECOND};

const MILLISECOND: Nanos = SECOND / 1000;

/// ρ, as every elector is told, in parts per million.
pub const RHO_PPM: i32 = 50_000;

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Decides whatever is not decided here.
    pub seed: u64,
    /// Which electors take part.
    pub elector: ElectorKind,
    /// Their durations.
    pub timing: Timing,
    /// The nodes.
    pub nodes: Vec<NodePlan>,
    /// The network.
    pub weather: Weather,
    /// What leaders' work does, in per mille of terms.
    pub habits: Habits,
    /// What goes wrong, and when.
    pub faults: Vec<(Nanos, Fault)>,
    /// From here on nothing goes wrong any more.
    pub quiet_at: Nanos,
    /// The end.
    pub over_at: Nanos,
    /// Whether hand-overs are measured and held to their bounds: nothing but deaths and releases happens.
    pub measured: bool,
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ElectorKind {
    /// The one that is shipped.
    Shipped,
    /// A loop with one flaw, or none.
    Control(Flaw),
}

/// Durations of all electors.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// The lease duration, in seconds.
    pub lease: u32,
    /// The renew deadline, in milliseconds.
    pub deadline: u32,
    /// The retry period, in milliseconds.
    pub retry: u32,
}

impl Timing {
    /// The lease duration.
    #[must_use]
    pub fn duration(self) -> Nanos {
        Nanos::from(self.lease) * SECOND
    }
}

/// One node.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct NodePlan {
    /// How fast its clock runs.
    pub rate: Rate,
    /// Whether it may watch; otherwise it has to poll.
    pub watches: bool,
    /// Durations of its own.
    pub timing: Option<Timing>,
}

/// What leaders' work does: how many terms of a thousand.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Habits {
    /// Asks to step down after a while.
    pub steps_down: u32,
    /// Comes to its end by itself.
    pub finishes: u32,
    /// Panics.
    pub panics: u32,
    /// When told to stop, takes long.
    pub slow: u32,
    /// When told to stop, goes on writing for a while without looking.
    pub careless: u32,
    /// How long work stays that leaves by itself, at most.
    pub stays_max: Nanos,
}

/// What kinds of things a plan may hold.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Clock rates, at most, in either direction.
    pub skew_ppm: i32,
    /// Pauses and suspends.
    pub sleeps: bool,
    /// Steps of the calendar.
    pub wall_steps: bool,
    /// Third parties.
    pub meddling: bool,
    /// Only deaths and releases, on a fast network.
    pub calm: bool,
}

impl Profile {
    /// Everything at once, with clocks within ρ.
    pub const HOSTILE: Self = Self {
        skew_ppm: RHO_PPM,
        sleeps: true,
        wall_steps: true,
        meddling: true,
        calm: false,
    };

    /// For measuring hand-overs.
    pub const CALM: Self = Self {
        skew_ppm: RHO_PPM,
        sleeps: false,
        wall_steps: true,
        meddling: false,
        calm: true,
    };
}

/// The profile that the shipped electors meet under a seed: one of eight is calm.
#[must_use]
pub fn profile_of(seed: u64) -> Profile {
    if seed.is_multiple_of(8) {
        Profile::CALM
    } else {
        Profile::HOSTILE
    }
}

/// Lease, deadline, retry: client-go's, shorter ones of the same kind, and one whose deadline leaves little.
const TIMINGS: [Timing; 4] = [
    timing(15, 10_000, 2_000),
    timing(6, 4_000, 1_000),
    timing(3, 2_000, 500),
    timing(10, 8_500, 2_000),
];

const fn timing(lease: u32, deadline: u32, retry: u32) -> Timing {
    Timing { lease, deadline, retry }
}

/// Durations between two faults, on average, in percent of the lease duration.
const FAULT_INTERVAL_PERCENT: u64 = 120;
/// Lease durations in a run, before it becomes quiet.
const LENGTH: u64 = 60;
/// The longest of all lease durations, so often, is quiet at the end: enough for a lease that was just taken by somebody who
/// died, by a slow clock, and for as much again in which somebody has to lead.
const QUIET: u64 = 4;

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn new(seed: u64, elector: ElectorKind, profile: Profile) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let timing = TIMINGS[rng.random_range(0..TIMINGS.len())];
        let duration = timing.duration();
        let nodes = nodes(&mut rng, profile, timing);
        let quiet_at = LENGTH * duration;
        let faults = faults(&mut rng, profile, nodes.len(), duration, quiet_at);
        let longest = nodes.iter().filter_map(|node| node.timing).map(Timing::duration).max();
        Self {
            seed,
            elector,
            timing,
            weather: weather(&mut rng, profile, timing),
            habits: habits(&mut rng, profile, duration),
            nodes,
            faults,
            quiet_at,
            over_at: quiet_at + QUIET * longest.unwrap_or(duration),
            measured: profile.calm,
        }
    }

    /// The longest delay of a message when nothing goes wrong.
    #[must_use]
    pub fn calm_delay(timing: Timing) -> Nanos {
        Nanos::from(timing.retry) * MILLISECOND / 40
    }
}

fn nodes(rng: &mut StdRng, profile: Profile, timing: Timing) -> Vec<NodePlan> {
    let mixed = !profile.calm && rng.random_ratio(1, 5);
    // Mostly few: what goes wrong goes wrong between two, and many cost much.
    let most = if rng.random_ratio(2, 3) { 5 } else { 9 };
    let count = rng.random_range(3..=most);
    let node = |rng: &mut StdRng| NodePlan {
        rate: rate(rng, profile.skew_ppm),
        watches: profile.calm || rng.random_ratio(4, 5),
        timing: Some(TIMINGS[rng.random_range(0..TIMINGS.len())])
            .filter(|_| mixed)
            .or(Some(timing)),
    };
    (0..count).map(|_| node(rng)).collect()
}

/// The bounds themselves are the worst there is.
fn rate(rng: &mut StdRng, skew: i32) -> Rate {
    let ppm = match rng.random_range(0..3) {
        0 => -skew,
        1 => skew,
        _ => rng.random_range(-skew..=skew),
    };
    Rate { ppm }
}

fn weather(rng: &mut StdRng, profile: Profile, timing: Timing) -> Weather {
    if profile.calm {
        return Weather::calm(Plan::calm_delay(timing));
    }
    let share = |rng: &mut StdRng, shares: [u32; 4]| shares[rng.random_range(0..4)];
    Weather {
        delay_max: Nanos::from(timing.retry) * MILLISECOND / [100, 10, 4, 2][rng.random_range(0..4)],
        delay_worst: 2 * timing.duration(),
        slow: share(rng, [0, 20, 100, 300]),
        requests_lost: share(rng, [0, 10, 50, 200]),
        replies_lost: share(rng, [0, 10, 50, 200]),
        watches_deaf: share(rng, [0, 0, 50, 200]),
    }
}

fn habits(rng: &mut StdRng, profile: Profile, duration: Nanos) -> Habits {
    let restless = if profile.calm { 500 } else { rng.random_range(0..750) };
    Habits {
        steps_down: restless,
        finishes: restless / 4,
        panics: if profile.calm { 0 } else { 30 },
        slow: if profile.calm { 0 } else { 250 },
        careless: 150,
        stays_max: duration / rng.random_range(1..=4),
    }
}

fn faults(rng: &mut StdRng, profile: Profile, nodes: usize, duration: Nanos, until: Nanos) -> Vec<(Nanos, Fault)> {
    // Hand-overs must not disturb one another where they are measured.
    let pace = if profile.calm { 300 } else { FAULT_INTERVAL_PERCENT };
    let mut faults = Vec::new();
    let mut at = 0;
    loop {
        at += duration * rng.random_range(pace / 2..=pace * 3 / 2) / 100;
        if at >= until {
            return faults;
        }
        faults.push((at, fault(rng, profile, nodes, duration)));
    }
}

fn fault(rng: &mut StdRng, profile: Profile, nodes: usize, duration: Nanos) -> Fault {
    let who = if profile.calm || rng.random_ratio(3, 5) {
        Target::Leader
    } else {
        Target::Node(rng.random_range(0..nodes))
    };
    let span = |rng: &mut StdRng, least: u64, most: u64| duration * rng.random_range(least..=most) / 10;
    if profile.calm {
        let back_after = span(rng, 1, 5);
        return Fault::Kill { who, back_after };
    }
    loop {
        let fault = match rng.random_range(0..12) {
            0 | 1 => Fault::Kill {
                who,
                back_after: span(rng, 0, 40),
            },
            2 => Fault::Stop {
                who,
                back_after: span(rng, 0, 20),
            },
            3 if profile.sleeps => Fault::Pause {
                who,
                length: span(rng, 10, 100),
            },
            4 if profile.sleeps => Fault::PauseAtUse {
                who,
                length: span(rng, 10, 100),
            },
            5 if profile.sleeps => Fault::Suspend {
                who,
                length: span(rng, 10, 100),
            },
            6 | 7 => cut(rng, who, duration),
            8 => Fault::BreakWatches { who },
            9 => Fault::CrashServer {
                down_for: span(rng, 0, 20),
                in_commit: rng.random(),
            },
            10 if profile.wall_steps => Fault::StepWall {
                who,
                seconds: rng.random_range(-3600..=3600),
            },
            11 if profile.meddling => Fault::Meddle(meddling(rng)),
            _ => continue,
        };
        return fault;
    }
}

fn cut(rng: &mut StdRng, who: Target, duration: Nanos) -> Fault {
    let (to, from) = [(true, true), (true, false), (false, true)][rng.random_range(0..3)];
    let length = duration * rng.random_range(5..=40) / 10;
    Fault::Cut { who, to, from, length }
}

fn meddling(rng: &mut StdRng) -> Meddling {
    [
        Meddling::Delete,
        Meddling::Delete,
        Meddling::Blank,
        Meddling::Take,
        Meddling::Shorten,
        Meddling::Label,
        Meddling::Label,
    ][rng.random_range(0..7)]
}
