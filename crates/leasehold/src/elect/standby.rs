//! The command of `--on-follower`: it runs while someone else leads.

use leasehold_election::Timers;
use rustix::process::Signal;

use super::failed;
use super::signals::{Heard, Signals};
use super::term::limits;
use crate::cli::Elect;
use crate::failure::Failure;
use crate::supervisor::{Charge, Report, Supervised};

/// It, running or not.
pub(super) struct Standby {
    /// `None` if there is no such command.
    charge: Option<Charge>,
    running: Option<Supervised>,
    /// Once it has ended by itself it is not begun again before the next term.
    has_ended: bool,
}

impl Standby {
    pub(super) fn new(settings: &Elect) -> Self {
        let charge = settings.on_follower.as_ref().map(|line| Charge {
            limits: limits(&Timers::default(), settings.kill_after),
            remove: None,
            command: ["sh", "-c", line].map(Into::into).to_vec(),
        });
        Self {
            charge,
            running: None,
            has_ended: false,
        }
    }

    /// Whether it runs.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins it, if there is one and it has not run since the last term. It fails if no process can be started.
    pub(super) fn begin(&mut self, lease: &str, identity: &str) -> Result<(), Failure> {
        if let (Some(charge), None, false) = (&self.charge, &self.running, self.has_ended) {
            let environment = [
                ("LEASEHOLD_LEASE", std::ffi::OsStr::new(lease)),
                ("LEASEHOLD_IDENTITY", std::ffi::OsStr::new(identity)),
            ];
            self.running = Some(Supervised::start(charge, &environment, None).map_err(failed)?);
        }
        Ok(())
    }

    /// Returns when it has ended by itself, with everything it started; never if it does not run. Cancel safe.
    pub(super) async fn ended(&mut self) {
        match &mut self.running {
            Some(running) => while !matches!(running.next().await, None | Some(Report::Gone(_))) {},
            None => std::future::pending().await,
        }
        self.running = None;
        self.has_ended = true;
    }

    /// Hands a signal on.
    pub(super) fn pass(&self, signal: Signal) {
        if let Some(running) = &self.running {
            running.pass(signal);
        }
    }

    /// Ends it, with this signal first, and returns what was heard meanwhile. A signal to end kills it.
    pub(super) async fn end(&mut self, signal: Signal, signals: &mut Signals) -> Option<Heard> {
        let mut heard = None;
        if let Some(running) = &self.running {
            running.stop(signal);
        }
        while self.is_running() {
            tokio::select! {
                biased;
                () = self.ended() => {}
                signal = signals.next() => {
                    if let (Heard::End(_), Some(running)) = (signal, &self.running) {
                        running.kill();
                    }
                    heard = heard.or((!matches!(signal, Heard::Pass(_))).then_some(signal));
                }
            }
        }
        self.has_ended = false;
        heard
    }
}
