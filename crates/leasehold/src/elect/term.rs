//! One term: the command runs, under supervision, until it ends, the leadership does, or a signal says so.
//!
//! The lease is held until nothing of the command is left: [`leasehold_election::WorkGuard`] sees to it.

use std::ffi::OsStr;
use std::time::Duration;

use leasehold_clock::{Clock, Monotonic};
use leasehold_election::{Leadership, Timers};
use rustix::process::Signal;
use tokio::time::MissedTickBehavior;

use super::backoff::Backoff;
use super::console::Console;
use super::exit;
use super::failed;
use super::signals::{Heard, Signals};
use super::status::{Status, StatusFile};
use crate::cli::{After, Elect};
use crate::failure::{Failure, Kind};
use crate::supervisor::{Cause, Charge, Ending, Limits, Report, Supervised};

/// A term of ours.
pub(super) struct Term<'a> {
    settings: &'a Elect,
    clock: &'a dyn Clock,
    leadership: &'a Leadership,
    /// NAMESPACE/NAME.
    lease: &'a str,
}

/// How a term came to its end. Nothing of the command is left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TermEnd {
    /// It is over, and with it this process.
    Exit(u8),
    /// The leadership is over, for this reason.
    Lost(String),
    /// To be stopped until SIGCONT.
    Suspend,
}

/// Why the command's end began.
#[derive(Debug)]
enum Why {
    Itself,
    Lost(String),
    Signal(Signal),
    Suspend,
}

/// How much time the command's end may take: what is left of the validity at the renew deadline is the last chance, so
/// that an elector which stands still costs the lease no earlier than one that gets no answer.
pub(super) fn limits(timers: &Timers, kill_after: Duration) -> Limits {
    let shortest = Duration::from_millis(50);
    let reserve = (timers.validity() / 20).clamp(shortest, Duration::from_secs(1));
    Limits {
        kill_after,
        last_chance: timers.time_to_stop().saturating_sub(reserve).min(kill_after),
        reserve,
    }
}

impl<'a> Term<'a> {
    pub(super) fn new(settings: &'a Elect, clock: &'a dyn Clock, leadership: &'a Leadership, lease: &'a str) -> Self {
        Self {
            settings,
            clock,
            leadership,
            lease,
        }
    }

    /// Runs the command, again and again if it is to be restarted. It fails if no process can be had.
    pub(super) async fn run(&self, signals: &mut Signals, console: &Console) -> Result<TermEnd, Failure> {
        let (Ok(_guard), Some(_)) = (self.leadership.guard(), self.leadership.valid_until()) else {
            return Ok(TermEnd::Lost("it ended as it began".to_owned()));
        };
        let mut backoff = Backoff::default();
        loop {
            let begun = self.clock.now();
            let (why, ending) = self.command(signals, console).await?;
            let restarts = self.settings.after == After::Restart && matches!(why, Why::Itself);
            if !restarts {
                return Ok(conclude(why, ending));
            }
            let pause = backoff.after(self.clock.now().since(begun));
            console.note(&format!("the command {}; again in {pause:?}", described(ending)));
            if let Some(end) = self.pause(pause, signals).await {
                return Ok(end);
            }
        }
    }

    /// Runs the command once, to the end of everything it started.
    async fn command(&self, signals: &mut Signals, console: &Console) -> Result<(Why, Option<Ending>), Failure> {
        let file = StatusFile::new(self.settings.status_file.as_deref()).map_err(failed)?;
        let Some(mut until) = self.leadership.valid_until() else {
            return Ok((Why::Lost("it was lost before the command began".to_owned()), None));
        };
        self.tell(&file, until, console);
        let mut child = self.start(&file, until)?;
        let (mut why, mut ending) = (Why::Itself, None);
        let mut ticks = tokio::time::interval(look_every(&self.settings.timers));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                report = child.next() => match report {
                    Some(Report::Started(_)) => {}
                    Some(Report::Ended(how)) => ending = Some(how),
                    Some(Report::Gone(cause)) => return Ok((self.reconsider(why, cause), ending)),
                    None => return Err(Failure::new(Kind::Elect, "the supervisor was killed, and so was the command")),
                },
                heard = signals.next() => react(heard, &child, &mut why),
                loss = self.leadership.lost(), if matches!(why, Why::Itself) => {
                    console.note(&format!("lost {}: {loss}", self.lease));
                    child.stop(Signal::TERM);
                    why = Why::Lost(loss.to_string());
                }
                _ = ticks.tick() => self.keep(&child, &file, &mut until, console),
            }
        }
    }

    fn start(&self, file: &StatusFile, until: Monotonic) -> Result<Supervised, Failure> {
        let charge = Charge {
            limits: limits(&self.settings.timers, self.settings.kill_after),
            remove: Some(file.path().to_owned()),
            command: self.settings.command.clone(),
        };
        let token = self.leadership.token().to_string();
        let environment = [
            ("LEASEHOLD_TOKEN", OsStr::new(&token)),
            ("LEASEHOLD_LEASE", OsStr::new(self.lease)),
            ("LEASEHOLD_IDENTITY", OsStr::new(self.leadership.identity())),
            ("LEASEHOLD_STATUS_FILE", file.path().as_os_str()),
        ];
        Supervised::start(&charge, &environment, Some(until)).map_err(failed)
    }

    /// Hands a renewal on. Without any validity there is no time for a gentle end.
    fn keep(&self, child: &Supervised, file: &StatusFile, until: &mut Monotonic, console: &Console) {
        match self.leadership.valid_until() {
            Some(now) if now != *until => {
                *until = now;
                child.extend(now);
                self.tell(file, now, console);
            }
            Some(_) => {}
            None => child.kill(),
        }
    }

    /// A status that cannot be written is no reason to stop leading.
    fn tell(&self, file: &StatusFile, until: Monotonic, console: &Console) {
        let leadership = self.leadership;
        let status = Status::new(
            self.lease,
            leadership.identity(),
            leadership.token().0,
            until,
            self.clock,
        );
        if let Err(error) = file.write(&status) {
            console.note(&format!("cannot write {}: {error}", file.path().display()));
        }
    }

    /// An end that began because no deadline came in time is a loss, whatever this process noticed of it.
    fn reconsider(&self, why: Why, cause: Cause) -> Why {
        match (why, cause) {
            (Why::Itself, Cause::Itself) => Why::Itself,
            (Why::Itself, _) => {
                self.leadership.step_down();
                Why::Lost("no renewal came in time".to_owned())
            }
            (why, _) => why,
        }
    }

    async fn pause(&self, pause: Duration, signals: &mut Signals) -> Option<TermEnd> {
        let until = self.clock.now() + pause;
        loop {
            tokio::select! {
                () = self.clock.sleep_until(until) => return None,
                loss = self.leadership.lost() => return Some(TermEnd::Lost(loss.to_string())),
                heard = signals.next() => match heard {
                    Heard::End(signal) | Heard::Pass(signal @ Signal::HUP) => {
                        return Some(TermEnd::Exit(exit::by_signal(signal)));
                    }
                    Heard::Suspend => return Some(TermEnd::Suspend),
                    Heard::Pass(_) => {}
                },
            }
        }
    }
}

/// How often to look for a renewal: well within the time between two.
fn look_every(timers: &Timers) -> Duration {
    (timers.retry_period / 2).clamp(Duration::from_millis(20), Duration::from_secs(1))
}

/// What a signal does to a command that runs.
fn react(heard: Heard, child: &Supervised, why: &mut Why) {
    let is_second = matches!(why, Why::Signal(_));
    match heard {
        Heard::Pass(signal) => child.pass(signal),
        Heard::End(_) if is_second => child.kill(),
        Heard::End(signal) => {
            child.stop(signal);
            *why = Why::Signal(signal);
        }
        Heard::Suspend if !is_second => {
            child.stop(Signal::TERM);
            *why = Why::Suspend;
        }
        Heard::Suspend => {}
    }
}

fn conclude(why: Why, ending: Option<Ending>) -> TermEnd {
    match (why, ending) {
        (Why::Lost(reason), _) => TermEnd::Lost(reason),
        (Why::Suspend, _) => TermEnd::Suspend,
        (Why::Itself | Why::Signal(_), Some(ending)) => TermEnd::Exit(ending.exit_code()),
        (Why::Signal(signal), None) => TermEnd::Exit(exit::by_signal(signal)),
        (Why::Itself, None) => TermEnd::Exit(Kind::Elect as u8),
    }
}

fn described(ending: Option<Ending>) -> String {
    match ending {
        Some(Ending::Code(code)) => format!("ended with {code}"),
        Some(Ending::Signal(signal)) => format!("was ended by signal {signal}"),
        None => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_chance_fits_between_the_renew_deadline_and_the_end_of_validity() {
        let seconds = Duration::from_secs;
        for (timers, kill_after) in [
            (Timers::default(), seconds(10)),
            (Timers::default(), seconds(1)),
            (Timers::default(), Duration::ZERO),
            (
                Timers::new(seconds(2), seconds(1), Duration::from_millis(200)),
                seconds(10),
            ),
            (
                Timers::new(seconds(1), Duration::from_millis(800), Duration::from_millis(100)),
                seconds(10),
            ),
            (Timers::new(seconds(3600), seconds(2400), seconds(400)), seconds(10)),
        ] {
            let limits = limits(&timers, kill_after);
            assert!(limits.last_chance <= kill_after);
            assert!(limits.reserve >= Duration::from_millis(50));
            let busy = limits.last_chance + limits.reserve;
            assert!(
                busy <= timers.time_to_stop().max(limits.reserve),
                "{timers:?}: {limits:?}"
            );
        }
        assert!(limits(&Timers::default(), seconds(10)).last_chance > seconds(2));
    }

    #[test]
    fn how_a_term_ends_follows_from_why() {
        let code = Some(Ending::Code(3));
        assert_eq!(conclude(Why::Itself, code), TermEnd::Exit(3));
        assert_eq!(conclude(Why::Signal(Signal::TERM), code), TermEnd::Exit(3));
        assert_eq!(
            conclude(Why::Signal(Signal::TERM), Some(Ending::Signal(15))),
            TermEnd::Exit(143)
        );
        assert_eq!(conclude(Why::Signal(Signal::INT), None), TermEnd::Exit(130));
        assert_eq!(conclude(Why::Lost("x".into()), code), TermEnd::Lost("x".into()));
        assert_eq!(conclude(Why::Suspend, code), TermEnd::Suspend);
    }
}
