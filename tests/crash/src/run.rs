//! One round: a server with an empty store, clients, watchers, faults, a quiet end, and the verdict.

use std::sync::Arc;
use std::time::Duration;

use leasehold_conformance::TestServer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Error;
use crate::check::{Rule, Verdict, Violation, check, complaints, manners};
use crate::client::{Client, Noted, World};
use crate::clock::Clock;
use crate::faults::{Count, Faults};
use crate::figures::Figures;
use crate::history::{Action, Freshness, History, Nanos, Operation, Outcome, Revision, Watcher};
use crate::lease::GROUPS;
use crate::lives::{Life, Lives, State};
use crate::watcher::{Habits, Watching};

const CLIENTS: usize = 8;
/// How long watchers may take to see the last write.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);

/// How long a client waits for an answer: longer than the server takes, stopped for a while or not.
const PATIENCE: Duration = Duration::from_secs(90);

/// What to do in a round.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides who does what, and when a fault comes.
    pub seed: u64,
    /// How often to kill the server.
    pub kills: usize,
}

/// What came of a round.
pub struct Round {
    /// To be added up.
    pub figures: Figures,
    /// Every broken promise.
    pub violations: Vec<Violation>,
}

impl Round {
    /// The first violations of each rule, a line each.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        complaints(&self.violations)
    }
}

/// Plays a round and judges it.
pub async fn run(plan: Plan) -> Result<Round, Error> {
    let scratch = tempfile::tempdir()?;
    // This may build it, too, which is no part of the run.
    let server = TestServer::start_in(&scratch.path().join("data"), &["--log-level", "warn"]).await?;
    let clock = Clock::start();
    let mut stage = Stage::open(plan.seed, clock, server).await?;
    let failed = stage.play(plan.kills).await.err();
    let (history, faults) = stage.close(failed).await?;
    let seconds = clock.now() / 1_000_000_000;
    let mut verdict = check(&history);
    verdict.violations.extend(faults.violations);
    Ok(Round {
        figures: figures(&history, faults.count, &verdict, seconds),
        violations: verdict.violations,
    })
}

/// Everything that takes part.
struct Stage {
    server: TestServer,
    clock: Clock,
    state: watch::Sender<State>,
    goal: watch::Sender<Option<Revision>>,
    clients: Vec<JoinHandle<Vec<Noted>>>,
    watchers: Vec<JoinHandle<Watcher>>,
    faults: Faults,
    /// When each life of the server ended.
    ends: Vec<Nanos>,
    /// Reads and writes at the beginning and the end.
    steward: Client,
}

impl Stage {
    async fn open(seed: u64, clock: Clock, server: TestServer) -> Result<Self, Error> {
        let mut rng = StdRng::seed_from_u64(seed);
        let life = life(0, &server);
        let (state, lives) = watch::channel(State::Up(Arc::new([life.clone()])));
        let world = World {
            clock,
            lives: Lives(lives),
            patience: PATIENCE,
        };
        let mut steward = Client::new(CLIENTS, rng.random(), world.clone());
        let start = list(&mut steward, &life).await?;
        let (goal, last) = watch::channel(None);
        let watchers = habits().map(|habits| {
            let watching = Watching::new(habits, rng.random(), world.clone(), last.clone(), start);
            tokio::spawn(watching.run())
        });
        let clients = (0..CLIENTS).map(|number| {
            let client = Client::new(number, rng.random(), world.clone());
            tokio::spawn(client.run())
        });
        Ok(Self {
            clients: clients.collect(),
            watchers: watchers.into(),
            server,
            clock,
            state,
            goal,
            faults: Faults::new(rng),
            ends: Vec::new(),
            steward,
        })
    }

    async fn play(&mut self, kills: usize) -> Result<(), Error> {
        while self.faults.count.kills < kills {
            self.faults.end_life(&mut self.server).await?;
            self.state.send_replace(State::Up(Arc::new([])));
            self.ends.push(self.clock.now());
            self.faults.begin_life(&mut self.server).await?;
            self.announce();
        }
        Ok(())
    }

    fn announce(&self) {
        self.state.send_replace(State::Up(Arc::new([self.life()])));
    }

    fn life(&self) -> Life {
        life(self.ends.len(), &self.server)
    }

    /// Lets everyone come to an end, and puts together what they noted.
    async fn close(mut self, failed: Option<Error>) -> Result<(History, Faults), Error> {
        if let Some(error) = failed {
            self.faults
                .violations
                .push(Violation::new(Rule::Process, error.to_string()));
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
        self.server.kill()?;
        self.ends.push(self.clock.now());
        noted.extend(self.steward.into_noted());
        self.faults.violations.extend(manners(&noted));
        let operations = noted.into_iter().map(|noted| closed(noted, &self.ends)).collect();
        let history = History {
            operations,
            watchers,
            forgets_after: None,
        };
        Ok((history, self.faults))
    }

    /// The clients stop, one last write is made, and the watchers go on until they have seen it.
    async fn end_quietly(&mut self) -> Result<(), Error> {
        self.state.send_replace(State::Quiet(Arc::new([self.life()])));
        for client in &mut self.clients {
            while !client.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let life = self.life();
        let last = self.steward.ask(&life, "last", Client::last_write()).await?;
        let revision = match &last.operation.outcome {
            Outcome::Stored(version) => version.revision,
            other => return Err(format!("the last write came to {other:?}").into()),
        };
        self.goal.send_replace(Some(revision));
        list(&mut self.steward, &life).await?;
        self.await_watchers().await;
        Ok(())
    }

    async fn await_watchers(&mut self) {
        let all = async {
            while !self.watchers.iter().all(JoinHandle::is_finished) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(CATCH_UP_MAX, all).await.is_err() {
            let what = format!("some watchers had not seen the last write after {CATCH_UP_MAX:?}");
            self.faults.violations.push(Violation::new(Rule::WatchGap, what));
            self.state.send_replace(State::Over);
            // Ends their sessions.
            self.goal.send_replace(Some(0));
        }
    }
}

/// Reads everything and returns the revision.
async fn list(steward: &mut Client, life: &Life) -> Result<Revision, Error> {
    let list = steward.ask(life, "", Action::List(Freshness::Latest)).await?;
    match &list.operation.outcome {
        Outcome::Listed(revision, _) => Ok(*revision),
        other => Err(format!("the list came to {other:?}").into()),
    }
}

fn life(number: usize, server: &TestServer) -> Life {
    Life {
        number,
        server: 0,
        target: server.target().clone(),
    }
}

fn habits() -> [Habits; 4] {
    let habits = |name, group, looks_back, slow| Habits {
        name,
        group,
        looks_back,
        slow,
        stays_with: None,
        seconds: (1, 30),
    };
    [
        habits("steady watcher", None, false, false),
        habits("watcher that looks back", None, true, false),
        habits("slow watcher", None, false, true),
        habits("watcher of a group", Some(GROUPS[0]), true, false),
    ]
}

/// A request without an answer stays possible until the server that got it was dead.
fn closed(noted: Noted, ends: &[Nanos]) -> Operation {
    let mut operation = noted.operation;
    if matches!(operation.outcome, Outcome::Unknown) {
        let end = ends.get(noted.life).copied().unwrap_or(Nanos::MAX);
        operation.returned = operation.returned.max(end);
    }
    operation
}

fn figures(history: &History, count: Count, verdict: &Verdict, seconds: u64) -> Figures {
    let outcomes = |is: fn(&Outcome) -> bool| {
        let all = history.operations.iter();
        all.filter(|operation| is(&operation.outcome)).count()
    };
    let sessions = history.watchers.iter().map(|watcher| watcher.sessions.len());
    Figures {
        rounds: 1,
        seconds,
        kills: count.kills,
        kills_at_start: count.kills_at_start,
        terminations: count.terminations,
        pauses: count.pauses,
        operations: history.operations.len(),
        writes_acknowledged: outcomes(|outcome| matches!(outcome, Outcome::Stored(_) | Outcome::Deleted(_))),
        unknown: outcomes(|outcome| matches!(outcome, Outcome::Unknown)),
        lists: verdict.lists,
        events: verdict.events,
        bookmarks: verdict.bookmarks,
        resumes: sessions.map(|sessions| sessions.saturating_sub(1)).sum(),
        searched: verdict.searched,
        undecided: verdict.undecided,
        violations: verdict.violations.len(),
    }
}
