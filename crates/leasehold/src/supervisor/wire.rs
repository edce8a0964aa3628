//! What elector and supervisor say to each other: a line each, over a socket that only they have.
//!
//! Times are nanoseconds of the clock that counts suspend, which is one and the same for all processes of a machine.

use std::time::Duration;

use leasehold_clock::Monotonic;
use rustix::process::WaitStatus;

/// From the elector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The command may run until then. The first order is one of these.
    Until(Monotonic),
    /// End it, with this signal first.
    Stop(i32),
    /// Hand this signal on, and nothing else.
    Pass(i32),
    /// End it at once.
    Kill,
}

/// From the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// It runs, with this process id.
    Started(i32),
    /// It ended like this; what it started may still be there.
    Ended(Ending),
    /// Nothing of it is left, and why its end began.
    Gone(Cause),
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With an exit code.
    Code(u8),
    /// By a signal.
    Signal(i32),
}

/// Why a command's end began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It ended by itself.
    Itself,
    /// The elector said so.
    Asked,
    /// No new deadline came in time.
    Expired,
    /// The elector is gone.
    Orphaned,
}

const CAUSES: [(Cause, &str); 4] = [
    (Cause::Itself, "itself"),
    (Cause::Asked, "asked"),
    (Cause::Expired, "expired"),
    (Cause::Orphaned, "orphaned"),
];

impl Ending {
    /// What the kernel says about a process that has ended; `None` if it has not.
    pub(super) fn of(status: WaitStatus) -> Option<Self> {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Some(Self::Code(u8::try_from(code).unwrap_or(u8::MAX))),
            (None, Some(signal)) => Some(Self::Signal(signal)),
            (None, None) => None,
        }
    }

    /// The exit code as a shell reports it: 128 + the signal's number for one that a signal ended.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

impl Order {
    /// With its line break.
    pub(super) fn line(self) -> String {
        match self {
            Self::Until(time) => format!("until {}\n", time.0.as_nanos()),
            Self::Stop(signal) => format!("stop {signal}\n"),
            Self::Pass(signal) => format!("pass {signal}\n"),
            Self::Kill => "kill\n".to_owned(),
        }
    }

    /// `None` if it is none.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (verb, value) = line.split_once(' ').unwrap_or((line, ""));
        Some(match verb {
            "until" => Self::Until(Monotonic(Duration::from_nanos(value.parse().ok()?))),
            "stop" => Self::Stop(value.parse().ok()?),
            "pass" => Self::Pass(value.parse().ok()?),
            "kill" if value.is_empty() => Self::Kill,
            _ => return None,
        })
    }
}

impl Report {
    /// With its line break.
    pub(super) fn line(self) -> String {
        match self {
            Self::Started(pid) => format!("started {pid}\n"),
            Self::Ended(Ending::Code(code)) => format!("code {code}\n"),
            Self::Ended(Ending::Signal(signal)) => format!("signal {signal}\n"),
            Self::Gone(cause) => {
                let name = CAUSES
                    .iter()
                    .find(|(each, _)| *each == cause)
                    .map_or("", |(_, name)| name);
                format!("gone {name}\n")
            }
        }
    }

    /// `None` if it is none.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (verb, value) = line.split_once(' ')?;
        Some(match verb {
            "started" => Self::Started(value.parse().ok()?),
            "code" => Self::Ended(Ending::Code(value.parse().ok()?)),
            "signal" => Self::Ended(Ending::Signal(value.parse().ok()?)),
            "gone" => Self::Gone(CAUSES.iter().find(|(_, name)| *name == value)?.0),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for order in [
            Order::Until(Monotonic(Duration::new(123_456, 789))),
            Order::Stop(15),
            Order::Pass(10),
            Order::Kill,
        ] {
            assert_eq!(Order::parse(order.line().trim_end()), Some(order));
        }
        for report in [
            Report::Started(77),
            Report::Ended(Ending::Code(3)),
            Report::Ended(Ending::Signal(9)),
            Report::Gone(Cause::Itself),
            Report::Gone(Cause::Asked),
            Report::Gone(Cause::Expired),
            Report::Gone(Cause::Orphaned),
        ] {
            assert_eq!(Report::parse(report.line().trim_end()), Some(report));
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for line in [
            "", "until", "until -1", "until x", "stop", "kill now", "dance 1", "gone", "code 256",
        ] {
            assert_eq!(Order::parse(line), None, "{line}");
            assert_eq!(Report::parse(line), None, "{line}");
        }
    }

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!(Ending::Code(3).exit_code(), 3);
        assert_eq!(Ending::Signal(15).exit_code(), 143);
    }
}
