//! Two signals: the first one drains, the second one aborts.
//!
//! Draining is a [`CancellationToken`] that everything running watches, and it is bounded by [`bounded`]. Nothing here
//! decides what draining means.

use std::future::Future;
use std::io;
use std::mem::ManuallyDrop;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{self, SignalKind};
use tokio_util::sync::CancellationToken;

/// A request to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What service managers send.
    Terminate,
}

impl Signal {
    /// 128 + the signal's number, as a shell reports a process that a signal ended: 130 or 143.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        })
    }
}

/// The signals of this process, from the moment of creation on.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    /// Takes over SIGINT and SIGTERM. Needs a tokio runtime.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

/// Cancels `drain` at the first signal and returns the second one, at which the process should end at once.
pub(crate) async fn supervise(mut next: impl AsyncFnMut() -> Signal, drain: &CancellationToken) -> Signal {
    let first = next().await;
    tracing::info!(signal = ?first, "draining; a second signal ends the process at once");
    drain.cancel();
    next().await
}

/// The work did not finish in time after draining began.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DrainTimedOut;

/// Runs `work` to its end; once `drain` is cancelled it has `limit` left. Work that is not at its end by then, or when
/// this is dropped, is never dropped itself: taking it apart could wait for the very disk that it waits for, and nothing
/// is left to do but to end the process.
pub(crate) async fn bounded<W: Future>(
    work: W,
    drain: &CancellationToken,
    limit: Duration,
) -> Result<W::Output, DrainTimedOut> {
    let mut work = ManuallyDrop::new(Box::pin(work));
    let deadline = async {
        drain.cancelled().await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        // Work that is ready counts, also when the time is up in the same instant.
        biased;
        output = work.as_mut() => Ok(output),
        () = deadline => Err(DrainTimedOut),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_first_signal_drains_and_the_second_aborts() {
        let (sender, mut receiver) = mpsc::channel(2);
        let drain = CancellationToken::new();
        let next = async || receiver.recv().await.expect("the sender lives");
        let mut supervised = std::pin::pin!(supervise(next, &drain));

        tokio::select! {
            biased;
            _ = &mut supervised => panic!("no signal was sent"),
            () = tokio::task::yield_now() => assert!(!drain.is_cancelled()),
        }
        sender.send(Signal::Interrupt).await.unwrap();
        tokio::select! {
            _ = &mut supervised => panic!("one signal must not abort"),
            () = drain.cancelled() => {}
        }
        sender.send(Signal::Terminate).await.unwrap();
        let second = supervised.await;
        assert_eq!(second, Signal::Terminate);
        assert_eq!(second.exit_code(), ExitCode::from(143));
        assert_eq!(Signal::Interrupt.exit_code(), ExitCode::from(130));
    }

    #[tokio::test]
    async fn a_real_signal_arrives() {
        let mut signals = Signals::install().unwrap();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM).unwrap();
        assert_eq!(signals.next().await, Signal::Terminate);
    }

    #[tokio::test(start_paused = true)]
    async fn work_has_all_the_time_before_draining_and_the_limit_after() {
        let limit = Duration::from_secs(25);
        let drain = CancellationToken::new();

        let long = tokio::time::sleep(Duration::from_secs(3600));
        assert_eq!(bounded(long, &drain, limit).await, Ok(()), "not draining: no bound");

        drain.cancel();
        // Often, because which of two things that are ready is taken would otherwise be left to chance.
        for _ in 0..50 {
            let within = async { tokio::time::sleep(limit).await };
            assert_eq!(
                bounded(within, &drain, limit).await,
                Ok(()),
                "ready in the last instant"
            );
        }
        assert_eq!(bounded(pending::<()>(), &drain, limit).await, Err(DrainTimedOut));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_given_up_is_not_taken_apart() {
        struct Stuck;
        impl Drop for Stuck {
            fn drop(&mut self) {
                panic!("this would wait for a disk that does not answer");
            }
        }
        let stuck = || async {
            let _stuck = Stuck;
            pending::<()>().await;
        };
        let drain = CancellationToken::new();
        let aborted = tokio::time::timeout(Duration::from_secs(1), bounded(stuck(), &drain, Duration::MAX)).await;
        assert!(aborted.is_err());
        drain.cancel();
        let late = bounded(stuck(), &drain, Duration::from_secs(25)).await;
        assert_eq!(late, Err(DrainTimedOut));
    }
}
