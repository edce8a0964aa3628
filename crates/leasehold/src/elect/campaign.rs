//! One election, from its beginning to the release of the lease.

use std::time::Duration;

use leasehold_clock::{Clock, Monotonic};
use leasehold_election::{Elector, Leadership, Leases, State, Token, unique_identity};
use rustix::process::Signal;
use tokio::sync::watch;

use super::console::Console;
use super::exit;
use super::signals::{Heard, Signals};
use super::standby::Standby;
use super::term::{Term, TermEnd};
use crate::cli::{After, Elect};
use crate::failure::{Failure, Kind};

/// How often a terminal is told how long this candidate has been waiting.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What an election needs.
pub(super) struct Campaign<'a> {
    settings: &'a Elect,
    leases: &'a Leases,
    namespace: &'a str,
    /// NAMESPACE/NAME.
    lease: String,
    identity: String,
    /// Until when to lead for the first time.
    lead_by: Option<Monotonic>,
}

/// How an election came to its end. Nothing runs any more, and the lease is not ours.
pub(super) enum Ended {
    /// This process ends with this code.
    Exit(u8),
    /// This process is to be stopped until SIGCONT.
    Suspended,
}

impl<'a> Campaign<'a> {
    /// `patience` bounds the wait for the first term.
    pub(super) fn new(settings: &'a Elect, leases: &'a Leases, namespace: &'a str, patience: Option<Duration>) -> Self {
        Self {
            settings,
            leases,
            namespace,
            lease: format!("{namespace}/{}", settings.name),
            // A new one for each election: should a release fail, its lease is someone else's.
            identity: settings.identity.clone().unwrap_or_else(unique_identity),
            lead_by: patience.map(|patience| leases.clock().now() + patience),
        }
    }

    /// Follows and leads until something ends the election; then releases the lease.
    pub(super) async fn run(self, signals: &mut Signals, console: &Console) -> Result<Ended, Failure> {
        console.note(&format!("{} is a candidate for {}", self.identity, self.lease));
        let election = self.elector()?.start();
        let mut standby = Standby::new(self.settings);
        let ended = self.follow(election.state(), &mut standby, signals, console).await;
        console.clear();
        // On an error too: what runs has to end before the lease is given back.
        let _ = standby.end(Signal::TERM, signals).await;
        let stopped = election.stop().await;
        let ended = ended?;
        match stopped {
            Err(error) => Err(Failure::new(Kind::Elect, error.to_string())),
            Ok(()) => Ok(ended),
        }
    }

    fn elector(&self) -> Result<Elector, Failure> {
        Elector::builder(self.leases, self.namespace, &self.settings.name)
            .identity(&self.identity)
            .timers(self.settings.timers.clone())
            .labels(self.settings.labels.clone())
            .build()
            .map_err(|error| Failure::new(Kind::Usage, error.to_string()))
    }

    async fn follow(
        &self,
        mut state: watch::Receiver<State>,
        standby: &mut Standby,
        signals: &mut Signals,
        console: &Console,
    ) -> Result<Ended, Failure> {
        let mut lead_by = self.lead_by;
        let mut last_term = None;
        let mut told = None;
        loop {
            let now = state.borrow_and_update().clone();
            let mut holder = None;
            match now {
                State::Leader(leadership) if last_term != Some(leadership.token()) => {
                    lead_by = None;
                    last_term = Some(leadership.token());
                    told = None;
                    if let Some(ended) = self.lead(&leadership, standby, signals, console).await? {
                        return Ok(ended);
                    }
                    continue;
                }
                State::Follower { holder: seen } => {
                    standby.begin(&self.lease, &self.identity)?;
                    if let Some(holder) = seen.as_ref().filter(|_| told != seen) {
                        console.note(&format!("following: {} is held by {holder}", self.lease));
                    }
                    told.clone_from(&seen);
                    holder = seen;
                }
                // The reason comes with the election's own end.
                State::Stopped => return Ok(Ended::Exit(Kind::Elect as u8)),
                _ => {}
            }
            let wait = Wait {
                campaign: self,
                holder: holder.as_deref(),
                lead_by,
            };
            if let Some(ended) = wait.wait(&mut state, standby, signals, console).await {
                return Ok(ended);
            }
        }
    }

    /// Leads for a term; `None` to follow again.
    async fn lead(
        &self,
        leadership: &Leadership,
        standby: &mut Standby,
        signals: &mut Signals,
        console: &Console,
    ) -> Result<Option<Ended>, Failure> {
        match standby.end(Signal::TERM, signals).await {
            Some(Heard::End(signal)) => return Ok(Some(Ended::Exit(exit::by_signal(signal)))),
            Some(Heard::Suspend) => return Ok(Some(Ended::Suspended)),
            Some(Heard::Pass(_)) | None => {}
        }
        let Token(token) = leadership.token();
        console.note(&format!("leading {} as {}, token {token}", self.lease, self.identity));
        let clock = self.leases.clock().as_ref();
        let term = Term::new(self.settings, clock, leadership, &self.lease);
        Ok(match term.run(signals, console).await? {
            TermEnd::Exit(code) => Some(Ended::Exit(code)),
            TermEnd::Suspend => Some(Ended::Suspended),
            TermEnd::Lost(reason) => {
                let ends = self.settings.after == After::End;
                console.note(&format!("the term on {} is over: {reason}", self.lease));
                ends.then_some(Ended::Exit(exit::LOST))
            }
        })
    }
}

/// Waiting for a change while not leading.
struct Wait<'a> {
    campaign: &'a Campaign<'a>,
    holder: Option<&'a str>,
    lead_by: Option<Monotonic>,
}

impl Wait<'_> {
    /// Returns at a change, or with how the election ends.
    async fn wait(
        &self,
        state: &mut watch::Receiver<State>,
        standby: &mut Standby,
        signals: &mut Signals,
        console: &Console,
    ) -> Option<Ended> {
        let clock = self.campaign.leases.clock();
        let since = clock.now();
        loop {
            tokio::select! {
                biased;
                // Closed: the election has ended, and its state says so.
                _ = state.changed() => return None,
                heard = signals.next() => match heard {
                    Heard::Pass(signal) if signal != Signal::HUP || standby.is_running() => standby.pass(signal),
                    Heard::End(signal) | Heard::Pass(signal) => {
                        standby.end(signal, signals).await;
                        return Some(Ended::Exit(exit::by_signal(signal)));
                    }
                    Heard::Suspend => return Some(Ended::Suspended),
                },
                () = standby.ended() => console.note("the command of --on-follower ended"),
                () = until(clock.as_ref(), self.lead_by) => {
                    console.note(&format!("not leading {} in time", self.campaign.lease));
                    return Some(Ended::Exit(exit::TIMED_OUT));
                }
                () = tokio::time::sleep(TELL_EVERY), if !standby.is_running() => {
                    console.waiting(&self.campaign.lease, self.holder, clock.now().since(since));
                }
            }
        }
    }
}

async fn until(clock: &dyn Clock, time: Option<Monotonic>) {
    match time {
        Some(time) => clock.sleep_until(time).await,
        None => std::future::pending().await,
    }
}
