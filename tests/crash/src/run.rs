//! One round: a server with an empty store, clients, watchers, faults, a quiet end, and the verdict.

use std::collections::HashMap;
use std::time::Duration;

use leasehold_conformance::{Connection, TestServer};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Error;
use crate::check::{Rule, Verdict, Violation, check};
use crate::client::{Client, Noted};
use crate::clock::Clock;
use crate::faults::{Count, Faults};
use crate::figures::Figures;
use crate::history::{Action, History, Nanos, Operation, Outcome, Revision, Watcher, WriteKind};
use crate::lease::GROUPS;
use crate::lives::{Life, Lives, State};
use crate::watcher::{Habits, Watching};

const CLIENTS: usize = 8;
/// How long watchers may take to see the last write.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);

/// Violations of one rule that are told.
const TOLD: usize = 4;

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
    /// The first violations of each rule, a line each: those after them have the same cause as a rule.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut told: HashMap<Rule, usize> = HashMap::new();
        let mut is_news = |rule| {
            let count = told.entry(rule).or_default();
            *count += 1;
            *count <= TOLD
        };
        let news = self.violations.iter().filter(|violation| is_news(violation.rule));
        news.map(ToString::to_string).collect()
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
        let target = server.target().clone();
        let (state, lives) = watch::channel(State::Up(Life { number: 0, target }));
        let lives = Lives(lives);
        let mut steward = Client::new(CLIENTS, rng.random(), clock, lives.clone());
        let start = list(&mut steward, &server, 0).await?;
        let (goal, last) = watch::channel(None);
        let watchers = habits().map(|habits| {
            let watching = Watching::new(habits, rng.random(), clock, lives.clone(), last.clone(), start);
            tokio::spawn(watching.run())
        });
        let clients = (0..CLIENTS).map(|number| {
            let client = Client::new(number, rng.random(), clock, lives.clone());
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
            self.state.send_replace(State::Down);
            self.ends.push(self.clock.now());
            self.faults.begin_life(&mut self.server).await?;
            self.announce();
        }
        Ok(())
    }

    fn announce(&self) {
        self.state.send_replace(State::Up(self.life()));
    }

    fn life(&self) -> Life {
        Life {
            number: self.ends.len(),
            target: self.server.target().clone(),
        }
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
        let operations = noted.into_iter().map(|noted| closed(noted, &self.ends)).collect();
        Ok((History { operations, watchers }, self.faults))
    }

    /// The clients stop, one last write is made, and the watchers go on until they have seen it.
    async fn end_quietly(&mut self) -> Result<(), Error> {
        self.state.send_replace(State::Quiet(self.life()));
        for client in &mut self.clients {
            while !client.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let life = self.ends.len();
        let mut connection = Connection::open(self.server.target()).await?;
        let last = Action::Write {
            kind: WriteKind::Create,
            token: "last".into(),
            group: GROUPS[0].into(),
        };
        self.steward.exchange(&mut connection, life, "last", last).await;
        let Some(Outcome::Stored(version)) = self.steward.last() else {
            return Err(format!("the last write came to {:?}", self.steward.last()).into());
        };
        self.goal.send_replace(Some(version.revision));
        list(&mut self.steward, &self.server, life).await?;
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
async fn list(steward: &mut Client, server: &TestServer, life: usize) -> Result<Revision, Error> {
    let mut connection = Connection::open(server.target()).await?;
    steward.exchange(&mut connection, life, "", Action::List).await;
    match steward.last() {
        Some(Outcome::Listed(revision, _)) => Ok(*revision),
        other => Err(format!("the list came to {other:?}").into()),
    }
}

fn habits() -> [Habits; 4] {
    let habits = |name, group, looks_back, slow| Habits {
        name,
        group,
        looks_back,
        slow,
    };
    [
        habits("steady watcher", None, false, false),
        habits("watcher that looks back", None, true, false),
        habits("slow watcher", None, false, true),
        habits("watcher of a group", Some(GROUPS[0]), true, false),
    ]
}

/// A request without an answer stays possible until the server that got it was dead.
fn closed((mut operation, life): Noted, ends: &[Nanos]) -> Operation {
    if matches!(operation.outcome, Outcome::Unknown) {
        let end = ends.get(life).copied().unwrap_or(Nanos::MAX);
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
