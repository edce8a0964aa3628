//! What happens to the server's process, and keeping count of it.

use std::time::Duration;

use leasehold_conformance::{Signal, TestServer};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::Error;
use crate::check::{Rule, Violation};

/// How long a server may take to end after SIGTERM.
const END_MAX: Duration = Duration::from_secs(60);

/// Every so many lives one is long enough for watches to end by themselves, with a bookmark.
const LONG_EVERY: usize = 8;

/// How often each fault came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// SIGKILL.
    pub(crate) kills: usize,
    /// Of these, how many hit a server that was still starting.
    pub(crate) kills_at_start: usize,
    /// SIGTERM that was left to end in order.
    pub(crate) terminations: usize,
    /// SIGSTOP, and SIGCONT after a while.
    pub(crate) pauses: usize,
}

/// The one who makes trouble.
pub(crate) struct Faults {
    pub(crate) rng: StdRng,
    pub(crate) count: Count,
    pub(crate) violations: Vec<Violation>,
    lives: usize,
}

impl Faults {
    pub(crate) fn new(rng: StdRng) -> Self {
        Self {
            rng,
            count: Count::default(),
            violations: Vec::new(),
            lives: 0,
        }
    }

    /// Lets the server work for a while and then ends it, one way or another. It is dead after that.
    pub(crate) async fn end_life(&mut self, server: &mut TestServer) -> Result<(), Error> {
        self.lives += 1;
        if self.lives.is_multiple_of(LONG_EVERY) {
            self.pause(1100, 1500).await;
        } else {
            self.pause(20, 350).await;
        }
        match self.rng.random_range(0..100) {
            0..70 => self.kill(server),
            70..80 => {
                server.signal(Signal::STOP)?;
                self.pause(20, 200).await;
                server.signal(Signal::CONT)?;
                self.count.pauses += 1;
                self.pause(0, 150).await;
                self.kill(server)
            }
            80..85 => {
                server.signal(Signal::STOP)?;
                self.pause(0, 50).await;
                self.kill(server)
            }
            85..90 => {
                server.signal(Signal::TERM)?;
                self.pause(0, 30).await;
                self.kill(server)
            }
            _ => self.terminate(server).await,
        }
    }

    /// Starts the server again; now and then it takes more than one try, because it is killed while it starts.
    pub(crate) async fn begin_life(&mut self, server: &mut TestServer) -> Result<(), Error> {
        server.respawn()?;
        while self.rng.random_bool(0.1) {
            self.pause(0, 150).await;
            self.kill(server)?;
            self.count.kills_at_start += 1;
            server.respawn()?;
        }
        server.ready().await
    }

    fn kill(&mut self, server: &mut TestServer) -> Result<(), Error> {
        use std::os::unix::process::ExitStatusExt;
        let status = server.kill()?;
        // A server that ended by itself before the signal came has crashed, or was told to end.
        if status.signal().is_none() && !status.success() {
            let what = format!(
                "it ended with {status} before it was killed; stderr:\n{}",
                server.stderr()
            );
            self.violations.push(Violation::new(Rule::Process, what));
        }
        self.count.kills += usize::from(status.signal().is_some());
        Ok(())
    }

    async fn terminate(&mut self, server: &mut TestServer) -> Result<(), Error> {
        server.signal(Signal::TERM)?;
        let status = server.ended(END_MAX).await?;
        if !status.is_some_and(|status| status.success()) {
            let what = format!("after SIGTERM it ended with {status:?}; stderr:\n{}", server.stderr());
            self.violations.push(Violation::new(Rule::Process, what));
            server.kill()?;
        }
        self.count.terminations += 1;
        Ok(())
    }

    async fn pause(&mut self, least: u64, most: u64) {
        tokio::time::sleep(Duration::from_millis(self.rng.random_range(least..=most))).await;
    }
}
