//! What is done to them. Each fault begins, lasts, and ends; whatever it did is undone then.

use std::time::Duration;

use leasehold_crash::check::{Rule, Violation};
use leasehold_crash::history::WriteKind;
use leasehold_test_etcd::Mode;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use serde::Serialize;

use crate::Error;
use crate::health;
use crate::judge::{NoMajority, Stop};
use crate::replica::COMPACTION;
use crate::stage::{REPLICAS, Stage};
use crate::stopped::stopped;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// etcd's leader is killed and comes back.
    LeaderKilled,
    /// etcd's leader is stopped for a while: everything it should write is slow.
    LeaderStopped,
    /// One member is cut off from the others, and perhaps from the servers.
    MemberIsolated,
    /// A majority of the members is killed or stopped.
    MajorityLost,
    /// All members are killed and come back.
    EtcdRestarted,
    /// A server is killed and comes back.
    ReplicaKilled,
    /// A server is stopped until etcd has forgotten what it missed.
    ReplicaStopped,
    /// A server's links to etcd are cut.
    LinksCut,
    /// A server's links to etcd say nothing any more.
    LinksSilent,
}

impl Fault {
    const ALL: [Self; 9] = [
        Self::LeaderKilled,
        Self::LeaderStopped,
        Self::MemberIsolated,
        Self::MajorityLost,
        Self::EtcdRestarted,
        Self::ReplicaKilled,
        Self::ReplicaStopped,
        Self::LinksCut,
        Self::LinksSilent,
    ];

    /// Those that can befall an etcd of so many members and its servers.
    pub(crate) fn of(members: usize) -> Vec<Self> {
        let needs_others = [Self::LeaderKilled, Self::MemberIsolated];
        let all = Self::ALL.into_iter();
        all.filter(|fault| members > 1 || !needs_others.contains(fault))
            .collect()
    }
}

impl Stage {
    /// Lets it happen and undoes it.
    pub(crate) async fn suffer(&mut self, fault: Fault) -> Result<(), Error> {
        match fault {
            Fault::LeaderKilled => self.leader_killed().await,
            Fault::LeaderStopped => self.leader_stopped().await,
            Fault::MemberIsolated => self.member_isolated().await,
            Fault::MajorityLost => self.majority_lost().await,
            Fault::EtcdRestarted => self.etcd_restarted().await,
            Fault::ReplicaKilled => self.replica_killed().await,
            Fault::ReplicaStopped => self.replica_stopped().await,
            Fault::LinksCut => self.links(Mode::Cut, 300..2500).await,
            Fault::LinksSilent => self.links(Mode::BlackHole, 2000..6500).await,
        }
    }

    async fn leader_killed(&mut self) -> Result<(), Error> {
        let leader = self.cluster.leader().await?;
        self.cluster.member(leader).kill()?;
        self.pause(1000..3000).await;
        self.cluster.member(leader).restart()
    }

    async fn leader_stopped(&mut self) -> Result<(), Error> {
        let leader = self.cluster.leader().await?;
        self.cluster.member(leader).stop()?;
        self.pause(1500..4000).await;
        self.cluster.member(leader).resume()
    }

    async fn member_isolated(&mut self) -> Result<(), Error> {
        let leader = self.cluster.leader().await?;
        let member = if self.rng.random_bool(0.7) {
            leader
        } else {
            (leader + 1) % self.members
        };
        let from_servers_too = self.rng.random_bool(0.5);
        self.cluster.isolate(member);
        if from_servers_too {
            self.replicas
                .iter()
                .for_each(|replica| replica.set_links(&[member], Mode::BlackHole));
        }
        self.pause(3000..5000).await;
        self.cluster.rejoin(member);
        self.replicas
            .iter()
            .for_each(|replica| replica.set_links(&[member], Mode::Open));
        Ok(())
    }

    async fn etcd_restarted(&mut self) -> Result<(), Error> {
        for member in 0..self.members {
            self.cluster.member(member).kill()?;
        }
        self.pause(0..1000).await;
        for member in 0..self.members {
            self.cluster.member(member).restart()?;
        }
        Ok(())
    }

    /// While there is no majority each server is asked how it is, and for a write.
    async fn majority_lost(&mut self) -> Result<(), Error> {
        let mut lost: Vec<_> = (0..self.members).collect();
        lost.shuffle(&mut self.rng);
        lost.truncate(self.members / 2 + 1);
        let are_killed = self.rng.random_bool(0.5);
        for member in &lost {
            let member = self.cluster.member(*member);
            if are_killed {
                member.kill()?;
            } else {
                member.stop()?;
                stopped(member.id()).await?;
            }
        }
        let from = self.world.clock.now();
        let lasts = Duration::from_millis(self.rng.random_range(7000..9000));
        self.ask_in_vain(lasts).await?;
        let until = self.world.clock.now();
        self.aftermath.no_majority.push(NoMajority { from, until });
        for member in lost {
            let member = self.cluster.member(member);
            if are_killed {
                member.restart()?;
            } else {
                member.resume()?;
            }
        }
        Ok(())
    }

    async fn ask_in_vain(&mut self, lasts: Duration) -> Result<(), Error> {
        let clock = self.world.clock;
        let from = clock.now();
        let until = from + u64::try_from(lasts.as_nanos())?;
        let lives: Vec<_> = self.replicas.iter().map(crate::replica::Replica::life).collect();
        let heard = lives.iter().map(|life| health::hear(life.target.clone(), clock, until));
        let asked = self.probes.iter_mut().zip(&lives).map(|(probe, life)| async move {
            let write = probe.write(WriteKind::Patch);
            let noted = probe.ask(life, "probe", write).await?;
            Ok::<_, Error>((noted.status, noted.operation.returned - noted.operation.called))
        });
        let (heard, asked) = tokio::join!(
            futures_util::future::join_all(heard),
            futures_util::future::join_all(asked)
        );
        for (server, heard) in heard.iter().enumerate() {
            self.aftermath.confessed(server, from, heard);
        }
        for (server, asked) in asked.into_iter().enumerate() {
            let (status, took) = asked?;
            self.aftermath.refused(server, server > 0, status, took);
        }
        Ok(())
    }

    async fn replica_killed(&mut self) -> Result<(), Error> {
        let index = self.rng.random_range(0..REPLICAS);
        if let Err(error) = self.replicas[index].kill() {
            let violation = Violation::new(Rule::Process, error.to_string());
            self.aftermath.violations.push(violation);
        }
        self.offer(index, false);
        self.pause(0..1500).await;
        let number = self.next_life();
        self.replicas[index].respawn(number).await?;
        self.offer(index, true);
        Ok(())
    }

    async fn replica_stopped(&mut self) -> Result<(), Error> {
        let index = self.rng.random_range(0..REPLICAS);
        let (life, from) = (self.replicas[index].life().number, self.world.clock.now());
        self.replicas[index].stop()?;
        // Some have asked it something by then, and most can go on elsewhere.
        self.pause(50..300).await;
        self.offer(index, false);
        if self.rng.random_bool(0.7) {
            self.replicas[index].set_links(&[], Mode::Cut);
        }
        let forgets = u64::try_from(COMPACTION.as_millis())?;
        self.pause(forgets * 2..forgets * 5 / 2).await;
        self.replicas[index].set_links(&[], Mode::Open);
        self.replicas[index].resume()?;
        self.offer(index, true);
        let until = self.world.clock.now();
        self.aftermath.stops.push(Stop { life, from, until });
        Ok(())
    }

    async fn links(&mut self, mode: Mode, lasts: std::ops::Range<u64>) -> Result<(), Error> {
        let index = self.rng.random_range(0..REPLICAS);
        let all: Vec<_> = (0..self.members).collect();
        let some = if self.rng.random_bool(0.6) {
            all
        } else {
            all.choose(&mut self.rng).copied().into_iter().collect()
        };
        self.replicas[index].set_links(&some, mode);
        self.pause(lasts).await;
        self.replicas[index].set_links(&some, Mode::Open);
        Ok(())
    }
}
