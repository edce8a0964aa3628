//! The durations of an election as flags: those of `timers`, and of `elect`.

use std::time::Duration;

use clap::Args;
use leasehold_election::Timers;

use super::duration::HumanDuration;
use super::upkeep::Form;
use crate::failure::{Failure, Kind};

/// Durations of an election, as client-go's candidates have them by default.
#[derive(Debug, Args)]
pub(crate) struct TimerFlags {
    /// How long others wait after the last renewal they saw: whole seconds [default: 15s]
    #[arg(long, env = "LEASEHOLD_ELECT_DURATION", value_name = "DURATION")]
    duration: Option<HumanDuration>,

    /// How long after the last successful renewal the leader gives up [default: two thirds of --duration]
    #[arg(long, env = "LEASEHOLD_ELECT_DEADLINE", value_name = "DURATION")]
    deadline: Option<HumanDuration>,

    /// Time between two renewals [default: a fifth of --deadline]
    #[arg(long, env = "LEASEHOLD_ELECT_RETRY", value_name = "DURATION")]
    retry: Option<HumanDuration>,

    /// How much faster or slower than true time any machine's clock may run: 0.05 is five per cent [default: 0.05]
    #[arg(long, env = "LEASEHOLD_ELECT_RHO", value_name = "SHARE")]
    rho: Option<f64>,
}

/// The flags of `timers`.
#[derive(Debug, Args)]
pub(crate) struct TimersArgs {
    #[command(flatten)]
    timers: TimerFlags,

    /// Form of the answer
    #[arg(
        short,
        long,
        env = "LEASEHOLD_TIMERS_OUTPUT",
        value_name = "FORM",
        default_value = "text"
    )]
    output: Form,
}

/// Durations to judge.
#[derive(Debug, PartialEq)]
pub(crate) struct JudgeTimers {
    /// They may be anything.
    pub(crate) timers: Timers,
    /// How to say what follows from them.
    pub(crate) form: Form,
}

impl TimerFlags {
    /// With the defaults: a renewal's worth of the usual shares where only the duration is given.
    pub(super) fn timers(&self) -> Timers {
        let given = |flag: Option<HumanDuration>, default: Duration| flag.map_or(default, |duration| duration.0);
        let duration = given(self.duration, Duration::from_secs(15));
        let deadline = given(self.deadline, duration * 2 / 3);
        let retry = given(self.retry, deadline / 5);
        let mut timers = Timers::new(duration, deadline, retry);
        if let Some(rho) = self.rho {
            timers.clock_rate_bound = rho;
        }
        timers
    }

    /// The same, if an election may run with them.
    pub(super) fn checked(&self) -> Result<Timers, Failure> {
        let timers = self.timers();
        match timers.validate() {
            Ok(_warnings) => Ok(timers),
            Err(error) => {
                Err(Failure::new(Kind::Usage, error.to_string()).hint("'leasehold timers' explains what fits together"))
            }
        }
    }
}

impl From<TimersArgs> for JudgeTimers {
    fn from(given: TimersArgs) -> Self {
        Self {
            timers: given.timers.timers(),
            form: given.output,
        }
    }
}
