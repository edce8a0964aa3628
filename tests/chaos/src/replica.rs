//! One of the servers: a process, and its own links to every member of the etcd.

use std::path::Path;
use std::time::Duration;

use leasehold_conformance::{Signal, TestServer};
use leasehold_crash::lives::Life;
use leasehold_test_etcd::{Mode, Proxy};

use crate::Error;

/// How old something must be before etcd may forget it. Longer than a watch needs to move away from a member that has lost its
/// leader (etcd tells it after four seconds or so), or all servers could be told at once that they have missed something, and
/// nobody would have seen it.
pub(crate) const COMPACTION: Duration = Duration::from_secs(6);

/// See the module.
pub(crate) struct Replica {
    server: TestServer,
    links: Vec<Proxy>,
    index: usize,
    /// Of this life: see [`Life::number`].
    number: usize,
    /// Whether clients are told of it.
    pub(crate) is_offered: bool,
}

impl Replica {
    /// Starts it, with its files in this directory, and waits until it is ready. Its first life has its index for a number.
    pub(crate) async fn start(directory: &Path, index: usize, members: &[String]) -> Result<Self, Error> {
        let mut links = Vec::new();
        for member in members {
            links.push(Proxy::start(member).await?);
        }
        let mut endpoints: Vec<_> = links.iter().map(Proxy::endpoint).collect();
        // Each begins at another member.
        endpoints.rotate_left(index % members.len());
        let (etcd, name) = (endpoints.join(","), format!("replica-{index}"));
        let interval = format!("{}s", COMPACTION.as_secs());
        let arguments = [
            "--log-level",
            "warn",
            "--etcd",
            &etcd,
            "--etcd-compaction-interval",
            &interval,
            "--identity-hostname",
            &name,
        ];
        let server = TestServer::start_in(&directory.join(&name), &arguments).await?;
        Ok(Self {
            server,
            links,
            index,
            number: index,
            is_offered: true,
        })
    }

    pub(crate) fn life(&self) -> Life {
        Life {
            number: self.number,
            server: self.index,
            target: self.server.target().clone(),
        }
    }

    /// What its links do from now on: those to these members, or all.
    pub(crate) fn set_links(&self, members: &[usize], mode: Mode) {
        for (index, link) in self.links.iter().enumerate() {
            if members.is_empty() || members.contains(&index) {
                link.set(mode);
            }
        }
    }

    pub(crate) fn stop(&self) -> Result<(), Error> {
        self.server.signal(Signal::STOP)
    }

    pub(crate) fn resume(&self) -> Result<(), Error> {
        self.server.signal(Signal::CONT)
    }

    /// Kills it. The error is what it said, if it had ended before.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        use std::os::unix::process::ExitStatusExt;
        let status = self.server.kill()?;
        if status.signal().is_none() {
            let stderr = self.server.stderr();
            return Err(format!("server {} ended with {status} by itself; stderr:\n{stderr}", self.index).into());
        }
        Ok(())
    }

    /// Starts it again, as another life, and waits until it is ready.
    pub(crate) async fn respawn(&mut self, number: usize) -> Result<(), Error> {
        self.server.respawn()?;
        self.server.ready().await?;
        self.number = number;
        Ok(())
    }

    /// What it wrote to stderr in this life.
    pub(crate) fn stderr(&self) -> String {
        self.server.stderr()
    }
}
