//! What each signal means to an elector.

use std::io;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::signals::hangup_is_ignored;

/// A signal, by what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// End: the command first, with this signal. A second one kills.
    End(Signal),
    /// The command's business while it runs, whatever it makes of it; while it does not, SIGHUP ends this process.
    Pass(Signal),
    /// Step down, then stop until SIGCONT.
    Suspend,
}

/// The signals of this process, from the moment of creation on.
pub(super) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
    suspend: unix::Signal,
    user1: unix::Signal,
    user2: unix::Signal,
    /// `None` under nohup.
    hangup: Option<unix::Signal>,
}

/// SIGTSTP, which tokio has no name for.
fn terminal_stop() -> SignalKind {
    SignalKind::from_raw(Signal::TSTP.as_raw())
}

impl Signals {
    /// Takes them over. Needs a tokio runtime.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            suspend: signal(terminal_stop())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            hangup: match hangup_is_ignored() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            },
        })
    }

    /// The next one. Cancel safe.
    pub(super) async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.terminate.recv() => Heard::End(Signal::TERM),
            _ = self.interrupt.recv() => Heard::End(Signal::INT),
            _ = self.quit.recv() => Heard::End(Signal::QUIT),
            _ = self.suspend.recv() => Heard::Suspend,
            _ = self.user1.recv() => Heard::Pass(Signal::USR1),
            _ = self.user2.recv() => Heard::Pass(Signal::USR2),
            () = hangup(&mut self.hangup) => Heard::Pass(Signal::HUP),
        }
    }
}

async fn hangup(hangup: &mut Option<unix::Signal>) {
    match hangup {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
