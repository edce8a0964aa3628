//! Everything that takes part in a round.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use leasehold_crash::check::{Rule, Violation};
use leasehold_crash::client::{Client, Noted, World};
use leasehold_crash::clock::Clock;
use leasehold_crash::history::{Action, Freshness, Outcome, Revision, Watcher, WriteKind};
use leasehold_crash::lives::{Lives, State};
use leasehold_crash::watcher::{Habits, Watching};
use leasehold_test_etcd::{Cluster, Setup, Version};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Error;
use crate::health;
use crate::judge::{Aftermath, DEADLINE, PATIENCE, RECOVERY};
use crate::replica::Replica;
use crate::run::Plan;

/// How many servers there are.
pub(crate) const REPLICAS: usize = 3;
/// Twice as many as the promise is made for, because much of the time somebody is being waited for.
const CLIENTS: usize = 16;
/// How long watchers may take to see the last write.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether something works again, or is done.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// See the module.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) members: usize,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) world: World,
    pub(crate) rng: StdRng,
    /// One for each server: they find out how it is. The first leaves it to the server how long an answer takes.
    pub(crate) probes: Vec<Client>,
    /// What was seen that is not in the history.
    pub(crate) aftermath: Aftermath,
    state: watch::Sender<State>,
    goal: watch::Sender<Option<Revision>>,
    lives: usize,
    clients: Vec<JoinHandle<Vec<Noted>>>,
    watchers: Vec<JoinHandle<Watcher>>,
    _scratch: TempDir,
}

/// What everyone noted.
pub(crate) struct Notes {
    pub(crate) noted: Vec<Noted>,
    pub(crate) watchers: Vec<Watcher>,
    pub(crate) aftermath: Aftermath,
}

impl Stage {
    pub(crate) async fn open(plan: &Plan) -> Result<Self, Error> {
        let mut rng = StdRng::seed_from_u64(plan.seed);
        // A killed process leaves its pages to the system, so that nothing is lost without a sync, and the disk is not what
        // decides how much can be done.
        let setup = Setup::new(Version::V3_6)
            .members(plan.members)
            .argument("--unsafe-no-fsync");
        let cluster = Cluster::start(if plan.members > 1 { setup.isolatable() } else { setup }).await?;
        let scratch = tempfile::tempdir()?;
        let mut replicas = Vec::new();
        for index in 0..REPLICAS {
            replicas.push(Replica::start(scratch.path(), index, &cluster.endpoints()).await?);
        }
        let (state, lives) = watch::channel(State::Up(offered(&replicas)));
        let world = World {
            clock: Clock::start(),
            lives: Lives(lives),
            patience: PATIENCE,
        };
        let probes = (0..REPLICAS).map(|index| {
            let probe = Client::new(CLIENTS + index, rng.random(), world.clone());
            if index == 0 {
                probe
            } else {
                probe.with_deadline(DEADLINE)
            }
        });
        let mut stage = Self {
            cluster,
            members: plan.members,
            probes: probes.collect(),
            replicas,
            world,
            rng,
            aftermath: Aftermath::default(),
            state,
            goal: watch::channel(None).0,
            lives: REPLICAS,
            clients: Vec::new(),
            watchers: Vec::new(),
            _scratch: scratch,
        };
        stage.begin().await?;
        Ok(stage)
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let start = self.list().await?;
        for habits in habits() {
            let seed = self.rng.random();
            let watching = Watching::new(habits, seed, self.world.clone(), self.goal.subscribe(), start);
            self.watchers.push(tokio::spawn(watching.run()));
        }
        let life = self.replicas[0].life();
        let probe = self.probes[0].write(WriteKind::Create);
        self.probes[0].ask(&life, "probe", probe).await?;
        for number in 0..CLIENTS {
            let client = Client::new(number, self.rng.random(), self.world.clone());
            self.clients.push(tokio::spawn(client.run()));
        }
        Ok(())
    }

    /// Waits for a number of milliseconds in this range.
    pub(crate) async fn pause(&mut self, milliseconds: Range<u64>) {
        tokio::time::sleep(Duration::from_millis(self.rng.random_range(milliseconds))).await;
    }

    /// Tells clients of a server, or not to go there.
    pub(crate) fn offer(&mut self, index: usize, is_offered: bool) {
        self.replicas[index].is_offered = is_offered;
        self.state.send_replace(State::Up(offered(&self.replicas)));
    }

    pub(crate) fn next_life(&mut self) -> usize {
        self.lives += 1;
        self.lives - 1
    }

    /// Waits until every server says that it is ready, takes a write, and shows those of all others; how long that took.
    pub(crate) async fn recover(&mut self, after: &str) -> Duration {
        let begun = self.world.clock.now();
        let mut missing = String::new();
        let recovered = tokio::time::timeout(RECOVERY, self.works_again(&mut missing)).await;
        let took = self.world.clock.now() - begun;
        if recovered.is_ok() {
            self.aftermath.recovered(took);
            return Duration::from_nanos(took);
        }
        let stderr: Vec<_> = self.replicas.iter().map(Replica::stderr).collect();
        let stderr = stderr.join("\n");
        let what = format!("{RECOVERY:?} after {after}: {missing}; stderr of the servers:\n{stderr}");
        self.aftermath.violations.push(Violation::new(Rule::NoRecovery, what));
        Duration::from_nanos(took)
    }

    async fn works_again(&mut self, missing: &mut String) {
        let mut highest = 0;
        for index in 0..REPLICAS {
            let life = self.replicas[index].life();
            let probe = &mut self.probes[index];
            loop {
                let ready = health::is_ready(&life.target).await;
                *missing = format!("server {index} is ready: {ready:?}");
                if matches!(ready, Ok(true)) {
                    let write = probe.write(WriteKind::Patch);
                    let noted = probe.ask(&life, "probe", write).await;
                    let outcome = noted.map(|noted| &noted.operation.outcome);
                    *missing = format!("a write at server {index} came to {outcome:?}");
                    if let Ok(Outcome::Stored(version)) = outcome {
                        highest = highest.max(version.revision);
                        break;
                    }
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        for (replica, probe) in self.replicas.iter().zip(&mut self.probes) {
            let list = || Action::List(Freshness::NotOlder(highest));
            while !probe
                .ask(&replica.life(), "", list())
                .await
                .is_ok_and(|noted| matches!(noted.operation.outcome, Outcome::Listed(..)))
            {
                *missing = format!("server {} does not show {highest}", replica.life().server);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// The clients stop, one last write is made, and the watchers go on until they have seen it.
    pub(crate) async fn close(mut self, failed: Option<Error>) -> Result<Notes, Error> {
        if let Some(error) = failed {
            let violation = Violation::new(Rule::Process, error.to_string());
            self.aftermath.violations.push(violation);
            self.state.send_replace(State::Over);
        } else {
            self.end_quietly().await?;
        }
        let mut noted = Vec::new();
        for client in self.clients {
            noted.extend(client.await?);
        }
        let mut watchers = Vec::new();
        for watcher in self.watchers {
            watchers.push(watcher.await?);
        }
        noted.extend(self.probes.into_iter().flat_map(Client::into_noted));
        Ok(Notes {
            noted,
            watchers,
            aftermath: self.aftermath,
        })
    }

    async fn end_quietly(&mut self) -> Result<(), Error> {
        self.state.send_replace(State::Quiet(offered(&self.replicas)));
        for client in &self.clients {
            while !client.is_finished() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        let life = self.replicas[0].life();
        let last = self.probes[0].ask(&life, "last", Client::last_write()).await?;
        let revision = match &last.operation.outcome {
            Outcome::Stored(version) => version.revision,
            other => return Err(format!("the last write came to {other:?}").into()),
        };
        self.goal.send_replace(Some(revision));
        self.list().await?;
        self.await_watchers().await;
        Ok(())
    }

    async fn await_watchers(&mut self) {
        let all = async {
            while !self.watchers.iter().all(JoinHandle::is_finished) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(CATCH_UP_MAX, all).await.is_err() {
            let what = format!("some watchers had not seen the last write after {CATCH_UP_MAX:?}");
            self.aftermath.violations.push(Violation::new(Rule::WatchGap, what));
            self.state.send_replace(State::Over);
            // Ends their sessions.
            self.goal.send_replace(Some(0));
        }
    }

    /// Reads everything at every server, and returns the highest revision.
    async fn list(&mut self) -> Result<Revision, Error> {
        let mut highest = 0;
        for (replica, probe) in self.replicas.iter().zip(&mut self.probes) {
            let list = probe.ask(&replica.life(), "", Action::List(Freshness::Latest)).await?;
            match &list.operation.outcome {
                Outcome::Listed(revision, _) => highest = highest.max(*revision),
                other => return Err(format!("the list came to {other:?}").into()),
            }
        }
        Ok(highest)
    }
}

fn offered(replicas: &[Replica]) -> Arc<[leasehold_crash::lives::Life]> {
    let offered = replicas.iter().filter(|replica| replica.is_offered);
    offered.map(Replica::life).collect()
}

/// One watcher stays with each server, so that never all are cut off from the past at once; the others hop.
fn habits() -> Vec<Habits> {
    let hopping = |name| Habits {
        name,
        group: None,
        looks_back: false,
        slow: false,
        stays_with: None,
        seconds: (1, 4),
    };
    let staying = (0..REPLICAS).map(|index| Habits {
        stays_with: Some(index),
        seconds: (5, 30),
        ..hopping("staying watcher")
    });
    let others = [
        hopping("hopping watcher"),
        Habits {
            looks_back: true,
            ..hopping("hopping watcher that looks back")
        },
        Habits {
            slow: true,
            ..hopping("slow hopping watcher")
        },
        Habits {
            group: Some("in"),
            looks_back: true,
            ..hopping("hopping watcher of a group")
        },
    ];
    staying.chain(others).collect()
}
