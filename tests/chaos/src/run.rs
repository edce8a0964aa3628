//! One round, from an empty etcd to the verdict.

use leasehold_crash::check::{Violation, check, complaints, manners};
use leasehold_crash::history::{History, Outcome};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::Error;
use crate::faults::Fault;
use crate::figures::Figures;
use crate::replica::COMPACTION;
use crate::stage::{Notes, Stage};

/// What to do in a round.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides who does what, and when which fault comes.
    pub seed: u64,
    /// How many members the etcd has: one, or three.
    pub members: usize,
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

impl Plan {
    /// The faults of the round, in their order.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Fault::of(self.members);
        // Not the sequence that the rest of the round draws from: the order can be told before it begins.
        faults.shuffle(&mut StdRng::seed_from_u64(self.seed ^ 1));
        faults
    }
}

/// Plays a round and judges it. `tell` is told of each fault when it begins and when it is over.
///
/// # Errors
/// When the round could not be played: no etcd, no server, or no answer to what the harness itself needs.
pub async fn run(plan: Plan, mut tell: impl FnMut(&str)) -> Result<Round, Error> {
    let mut stage = Stage::open(&plan).await?;
    let failed = play(&mut stage, &plan, &mut tell).await.err();
    let seconds = stage.world.clock.now() / 1_000_000_000;
    let mut notes = stage.close(failed).await?;
    let mut violations = manners(&notes.noted);
    notes.aftermath.judge(&notes.noted);
    violations.append(&mut notes.aftermath.violations);
    let Notes {
        noted,
        watchers,
        aftermath,
    } = notes;
    let history = History {
        operations: noted.into_iter().map(|noted| noted.operation).map(open).collect(),
        watchers,
        forgets_after: u64::try_from(COMPACTION.as_nanos()).ok(),
    };
    let mut verdict = check(&history);
    verdict.violations.extend(violations);
    let figures = Figures::of(&history, &verdict, &aftermath, &plan.faults(), seconds);
    let violations = verdict.violations;
    Ok(Round { figures, violations })
}

async fn play(stage: &mut Stage, plan: &Plan, tell: &mut impl FnMut(&str)) -> Result<(), Error> {
    for fault in plan.faults() {
        stage.pause(500..2000).await;
        tell(&format!("{fault:?} begins"));
        stage.suffer(fault).await?;
        let took = stage.recover(&format!("{fault:?}")).await;
        tell(&format!(
            "{fault:?} is over; all works again {} ms after",
            took.as_millis()
        ));
    }
    stage.pause(500..2000).await;
    Ok(())
}

/// A request without an answer stays possible: etcd may have it, and so may its log, until long after everybody who knew of it is
/// dead.
fn open(mut operation: leasehold_crash::history::Operation) -> leasehold_crash::history::Operation {
    if matches!(operation.outcome, Outcome::Unknown) {
        operation.returned = u64::MAX;
    }
    operation
}
