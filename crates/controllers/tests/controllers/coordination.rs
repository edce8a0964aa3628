//! Coordinated election, with candidates and holders played by the test.

use std::sync::Arc;
use std::time::Duration;

use leasehold_controllers::{CoordinatedElection, ElectionFigures, ElectionOutcome, LeasePublisher, ServerIdentity};
use leasehold_registry::resources::{LEASE_CANDIDATES, LEASES};
use leasehold_registry::{PatchKind, Place};
use leasehold_store::Store as _;
use serde_json::{Value, json};

use crate::harness::Harness;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const OURS: &str = "OldestEmulationVersion";
/// What the stamps of candidates say: nobody's clock is asked, so any will do.
const LONG_AGO: &str = "2001-01-01T00:00:00.000007Z";

fn lease(name: &str) -> Place {
    Place::collection(&LEASES, "default").named(name)
}

fn candidates() -> Place {
    Place::collection(&LEASE_CANDIDATES, "default")
}

fn body(name: &str, lease: &str, version: &str, strategy: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"leaseName": lease, "binaryVersion": version, "emulationVersion": version, "strategy": strategy,
            "renewTime": LONG_AGO},
    })
}

async fn start() -> (Harness, Arc<ElectionFigures>) {
    let figures = Arc::<ElectionFigures>::default();
    let h = Harness::with(CoordinatedElection::new(figures.clone())).await;
    // What is there at its first look has to be asked.
    h.sees_more_than(0).await;
    (h, figures)
}

/// A controller that elects nobody.
fn another() -> LeasePublisher {
    LeasePublisher::of_controllers(&ServerIdentity::new("vm", "1"))
}

impl Harness {
    async fn candidate(&self, name: &str, version: &str) {
        self.create(&candidates(), body(name, "job", version, OURS)).await;
    }

    /// Waits, with a bound and with the clock standing still, for an object to be as wanted.
    async fn see(&self, place: &Place, what: &str, good: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..4000 {
            last = self.get(place).await.unwrap_or_default();
            if good(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("not {what}: {last:#}; {:?}", self.controllers.statuses());
    }

    async fn holds(&self, name: &str) -> Value {
        self.see(&lease("job"), &format!("held by {name}"), |it| {
            it["spec"]["holderIdentity"] == name
        })
        .await
    }

    /// The candidate is asked, and answers.
    async fn answers(&self, name: &str) {
        let place = candidates().named(name);
        let asked = self.see(&place, "asked", |it| {
            it["spec"]["pingTime"].as_str() > it["spec"]["renewTime"].as_str()
        });
        let asked = asked.await;
        self.patch(
            &place,
            PatchKind::Merge,
            json!({"spec": {"renewTime": asked["spec"]["pingTime"]}}),
        )
        .await;
    }

    /// The holder renews the lease, at this second by its own clock, and the controller has seen it.
    async fn renews(&self, second: u64) {
        let before = self.controllers.statuses()[0].activations;
        let renewed = json!({"spec": {"renewTime": format!("2001-01-01T00:{:02}:{:02}.000000Z", second / 60 % 60, second % 60),
            "leaseDurationSeconds": 15}});
        self.patch(&lease("job"), PatchKind::Merge, renewed).await;
        self.sees_more_than(before).await;
    }

    /// Waits, with a bound, until the controller has looked more often than this.
    async fn sees_more_than(&self, before: u64) {
        for _ in 0..20_000 {
            if self.controllers.statuses()[0].activations > before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("it does not look: {:?}", self.controllers.statuses());
    }
}

#[tokio::test]
async fn the_first_candidate_gets_a_new_lease_at_once() {
    let (h, figures) = start().await;
    h.candidate("a", "1.36.0").await;
    let made = h.holds("a").await;
    let now = "2020-01-01T00:00:00.000000Z";
    let spec = json!({"holderIdentity": "a", "strategy": OURS, "leaseDurationSeconds": 5, "renewTime": now});
    assert_eq!(made["spec"], spec);
    let asked = h.get(&candidates().named("a")).await.expect("still there");
    assert!(asked["spec"]["pingTime"].is_null(), "it has only just come");
    assert_eq!(figures.outcomes(ElectionOutcome::Created), 1);
    h.end().await;
}

#[tokio::test]
async fn candidates_that_were_there_before_are_asked_by_their_own_clock() {
    let (h, _) = start().await;
    h.create(&candidates(), body("idle", "other", "1.36.0", "x.io/mine"))
        .await;
    let h = h.restart(another()).await;
    h.candidate("a", "1.36.0").await;
    h.candidate("b", "1.36.0").await;
    let h = h.restart(CoordinatedElection::new(Arc::default())).await;
    let asked = h
        .see(&candidates().named("a"), "asked", |it| {
            !it["spec"]["pingTime"].is_null()
        })
        .await;
    assert_eq!(
        asked["spec"]["pingTime"], "2001-01-01T00:00:00.000008Z",
        "a microsecond after its own stamp"
    );
    h.answers("b").await;
    // The best of them has its five seconds.
    h.pass(5 * SECOND, SECOND).await;
    h.holds("b").await;
    h.end().await;
}

#[tokio::test]
async fn a_silent_leader_is_followed_by_who_answers_when_its_term_is_over() {
    let (h, figures) = start().await;
    h.candidate("a", "1.36.0").await;
    h.holds("a").await;
    h.candidate("b", "1.36.0").await;
    h.renews(1).await;
    h.pass(14 * SECOND, SECOND).await;
    h.holds("a").await;
    assert!(h.get(&candidates().named("b")).await.expect("there")["spec"]["pingTime"].is_null());
    h.pass(SECOND, SECOND).await;
    h.answers("b").await;
    // The clock stands still: nobody waits for the one that was silent.
    let given = h.holds("b").await;
    assert_eq!(given["spec"]["leaseTransitions"], 1);
    assert!(given["spec"]["acquireTime"].is_null());
    assert_eq!(figures.outcomes(ElectionOutcome::Expired), 1);
    h.end().await;
}

#[tokio::test]
async fn a_leader_that_steps_down_is_followed_at_once() {
    let (h, figures) = start().await;
    h.candidate("a", "1.36.0").await;
    h.holds("a").await;
    h.renews(1).await;
    h.candidate("b", "1.36.0").await;
    // No holder at all, as some write it; client-go writes an empty one, and one second.
    h.patch(
        &lease("job"),
        PatchKind::Merge,
        json!({"spec": {"holderIdentity": null, "leaseDurationSeconds": 1}}),
    )
    .await;
    h.holds("b").await;
    h.renews(2).await;
    h.patch(&lease("job"), PatchKind::Merge, json!({"spec": {"holderIdentity": ""}}))
        .await;
    h.holds("a").await;
    assert_eq!(figures.outcomes(ElectionOutcome::Vacant), 2);
    h.end().await;
}

#[tokio::test]
async fn an_older_version_that_joins_is_preferred_and_gets_the_lease_when_it_is_free() {
    let (h, figures) = start().await;
    h.candidate("new", "1.36.0").await;
    h.holds("new").await;
    h.renews(1).await;
    h.candidate("old", "1.35.0").await;
    let told = h
        .see(&lease("job"), "told", |it| it["spec"]["preferredHolder"] == "old")
        .await;
    assert_eq!(told["spec"]["holderIdentity"], "new", "it leads until it makes room");
    h.patch(&lease("job"), PatchKind::Merge, json!({"spec": {"holderIdentity": ""}}))
        .await;
    let given = h.holds("old").await;
    assert!(given["spec"]["preferredHolder"].is_null());
    assert_eq!(figures.outcomes(ElectionOutcome::Preferred), 1);
    h.end().await;
}

#[tokio::test]
async fn what_other_clients_wipe_is_restored_but_not_in_a_race_with_them() {
    let (h, figures) = start().await;
    h.candidate("a", "1.36.0").await;
    h.holds("a").await;
    h.renews(1).await;
    let wipe = json!({"spec": {"strategy": null, "preferredHolder": null}});
    h.patch(&lease("job"), PatchKind::Merge, wipe.clone()).await;
    h.see(&lease("job"), "restored", |it| it["spec"]["strategy"] == OURS)
        .await;
    let before = figures.writes();
    for second in 2..300 {
        h.pass(2 * SECOND, SECOND).await;
        h.patch(&lease("job"), PatchKind::Merge, wipe.clone()).await;
        h.renews(second).await;
    }
    let writes = figures.writes() - before;
    assert!((3..=9).contains(&writes), "{writes} in ten minutes");
    h.end().await;
}

#[tokio::test]
async fn nine_candidates_at_rest_cost_nothing() {
    let (h, figures) = start().await;
    for number in 0..9 {
        h.candidate(&format!("c{number}"), "1.36.0").await;
    }
    h.holds("c0").await;
    h.renews(0).await;
    h.pass(SECOND, SECOND).await;
    let (writes, revision) = (figures.writes(), h.store.revision());
    // An hour of a leader that renews and of candidates that do so every five minutes, as client-go's do.
    let mut ours = 0;
    for second in (2..3600).step_by(5) {
        h.pass(5 * SECOND, 5 * SECOND).await;
        h.renews(second).await;
        ours += 1;
        if second % 300 == 2 {
            for number in 0..9 {
                let stamp = json!({"spec": {"renewTime": format!("2001-01-01T01:{:02}:00.000000Z", second / 60)}});
                h.patch(&candidates().named(&format!("c{number}")), PatchKind::Merge, stamp)
                    .await;
                ours += 1;
            }
        }
    }
    assert_eq!(figures.writes(), writes, "the controller has nothing to write");
    assert_eq!(
        h.store.revision().0 - revision.0,
        ours,
        "and nobody else has written either"
    );
    h.holds("c0").await;
    h.end().await;
}

#[tokio::test]
async fn candidates_nobody_has_heard_from_are_asked_a_few_times_and_then_deleted() {
    let (h, figures) = start().await;
    for name in ["a", "b"] {
        h.candidate(name, "1.36.0").await;
    }
    h.holds("a").await;
    let mut lives = 0;
    for second in (0..35 * 60).step_by(10) {
        h.renews(second).await;
        h.pass(10 * SECOND, 10 * SECOND).await;
        if second % 300 == 0 {
            let stamp = json!({"spec": {"renewTime": format!("2001-01-01T01:{:02}:00.000000Z", second / 60)}});
            h.patch(&candidates().named("a"), PatchKind::Merge, stamp).await;
            lives += 1;
        }
    }
    assert_eq!(lives, 7);
    assert!(
        h.get(&candidates().named("b")).await.is_none(),
        "not heard from for half an hour"
    );
    assert!(h.get(&candidates().named("a")).await.is_some());
    // The lease, and for b: pings from its fifteenth minute on, and its end.
    assert!((5..=12).contains(&figures.writes()), "{}", figures.writes());
    h.end().await;
}

#[tokio::test]
async fn a_strategy_of_others_gets_a_lease_and_no_holder() {
    let (h, _) = start().await;
    h.create(&candidates(), body("a", "theirs", "1.36.0", "x.io/mine"))
        .await;
    let made = h
        .see(&lease("theirs"), "made", |it| it["spec"]["strategy"] == "x.io/mine")
        .await;
    assert!(made["spec"]["holderIdentity"].is_null());
    h.patch(
        &lease("theirs"),
        PatchKind::Merge,
        json!({"spec": {"holderIdentity": "chosen", "preferredHolder": "p"}}),
    )
    .await;
    h.candidate("fence", "1.36.0").await;
    h.holds("fence").await;
    let left = h.get(&lease("theirs")).await.expect("there");
    assert_eq!(
        (
            left["spec"]["holderIdentity"].as_str(),
            left["spec"]["preferredHolder"].as_str()
        ),
        (Some("chosen"), Some("p"))
    );
    h.end().await;
}

#[tokio::test]
async fn a_lease_that_cannot_be_written_does_not_keep_the_others() {
    let (h, figures) = start().await;
    h.create(&candidates(), body("a", "No Such Name", "1.36.0", OURS)).await;
    h.candidate("b", "1.36.0").await;
    h.holds("b").await;
    for second in 0..60 {
        h.renews(second).await;
        h.pass(2 * SECOND, SECOND).await;
    }
    assert!(figures.writes() < 20, "{} writes in two minutes", figures.writes());
    h.end().await;
}

#[tokio::test]
async fn after_a_restart_a_holder_has_its_whole_term_again() {
    let (h, _) = start().await;
    h.candidate("a", "1.36.0").await;
    h.candidate("b", "1.36.0").await;
    h.holds("a").await;
    h.renews(1).await;
    let h = h.restart(another()).await;
    h.pass(MINUTE, MINUTE).await;
    let h = h.restart(CoordinatedElection::new(Arc::default())).await;
    h.pass(14 * SECOND, SECOND).await;
    h.holds("a").await;
    h.pass(SECOND, SECOND).await;
    h.answers("b").await;
    h.holds("b").await;
    h.end().await;
}
