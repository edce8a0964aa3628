//! Elections on a real server.

use std::sync::Arc;
use std::time::Duration;

use leasehold_election::{
    Candidate, CandidateApi, Election, Elector, Ended, Heartbeat, Leadership, LeaseApi, Leases, Loss,
    OLDEST_EMULATION_VERSION, Record, RunError, State, WorkGuard,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, soon};

fn start(leases: &Leases, identity: &str) -> Election {
    Elector::builder(leases, "default", "l")
        .identity(identity)
        .build()
        .unwrap()
        .start()
}

async fn leads(election: &mut Election) -> (Leadership, WorkGuard) {
    soon("a term", election.next_term())
        .await
        .expect("the election goes on")
}

/// Waits until this candidate follows `holder`.
async fn follows(election: &Election, holder: &str) {
    let mut state = election.state();
    let expected = |state: &State| matches!(state, State::Follower { holder: Some(seen) } if seen == holder);
    soon("a follower", state.wait_for(expected)).await.unwrap();
}

#[tokio::test]
async fn a_released_lease_is_handed_over() {
    let cluster = Cluster::start().await;
    let (one, two) = (cluster.process().await, cluster.process().await);
    let mut first = start(&one, "first");
    let (old, guard) = leads(&mut first).await;
    let mut second = start(&two, "second");
    follows(&second, "first").await;
    drop(guard);
    soon("a stop", first.stop()).await.unwrap();
    let (new, _guard) = leads(&mut second).await;
    assert!(!old.is_valid() && new.is_valid());
    assert!(new.token() > old.token());
}

#[tokio::test]
async fn a_run_ends_with_the_lease_released_in_client_go_s_form() {
    let cluster = Cluster::start().await;
    let leases = cluster.process().await;
    let elector = Elector::builder(&leases, "default", "l")
        .labels([("app", "x")])
        .build()
        .unwrap();
    let identity = elector.identity().to_owned();
    let api = cluster.leases().await;
    let watching = api.clone();
    let ended = elector.run(CancellationToken::new(), move |leadership| {
        let api = watching.clone();
        async move {
            leadership.check().unwrap();
            let lease = api.get("default", "l").await.unwrap().unwrap();
            (lease, leadership.token())
        }
    });
    let Ended::Finished((held, token)) = soon("the run", ended).await.unwrap() else {
        panic!("told to stop");
    };
    assert_eq!(held.spec.holder_identity, Some(identity));
    assert_eq!(held.metadata.labels.get("app").map(String::as_str), Some("x"));
    assert_eq!(held.metadata.resource_version, token.to_string());
    let released = api.get("default", "l").await.unwrap().unwrap();
    assert_eq!(released.spec.holder_identity.as_deref(), Some(""));
    assert_eq!(released.spec.lease_duration_seconds, Some(1));
    let record = Record::of(&released);
    assert!(record.acquire_time.is_some() && record.renew_time.is_some());
}

#[tokio::test]
async fn a_server_that_comes_back_finds_the_same_leader() {
    let cluster = Cluster::start().await;
    let leases = cluster.process().await;
    let mut election = start(&leases, "me");
    let (leadership, _guard) = leads(&mut election).await;
    let before = leadership.valid_until().unwrap();
    // Suspended rather than killed: it comes back where it was.
    cluster.server.signal(rustix::process::Signal::STOP).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.server.signal(rustix::process::Signal::CONT).unwrap();
    let later = async {
        while leadership
            .valid_until()
            .is_some_and(|until| until.since(before) < Duration::from_secs(4))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("a renewal", later).await;
    assert!(leadership.is_valid());
}

#[tokio::test]
async fn many_leases_need_one_watch() {
    let cluster = Cluster::start().await;
    let leases = cluster.process().await;
    let names: Vec<String> = (0..50).map(|number| format!("l{number}")).collect();
    let mut elections: Vec<Election> = names
        .iter()
        .map(|name| Elector::builder(&leases, "default", name).build().unwrap().start())
        .collect();
    for election in &mut elections {
        let (leadership, guard) = leads(election).await;
        assert!(leadership.is_valid());
        drop(guard);
    }
    for election in elections {
        soon("a stop", election.stop()).await.unwrap();
    }
}

/// A candidate with this emulation version, its terms, and what stops it.
async fn stand(
    cluster: &Cluster,
    name: &str,
    emulation: &str,
) -> (
    mpsc::UnboundedReceiver<Leadership>,
    CancellationToken,
    JoinHandle<Result<Ended<()>, RunError>>,
) {
    let (leases, api) = (cluster.process().await, cluster.leases().await);
    let candidate = Candidate::builder(&leases, Arc::new(api), "default", "l", "1.36.0")
        .name(name)
        .emulation_version(emulation)
        .build()
        .unwrap();
    let (stop, (led, terms)) = (CancellationToken::new(), mpsc::unbounded_channel());
    let run = tokio::spawn(candidate.run(stop.clone(), move |leadership| {
        // Nobody listens any more when the test is over.
        let _ = led.send(leadership.clone());
        async move { drop(leadership.lost().await) }
    }));
    (terms, stop, run)
}

#[tokio::test]
async fn candidates_are_elected_by_the_server_and_hand_over_to_whom_it_prefers() {
    let cluster = Cluster::start().await;
    let api = cluster.leases().await;
    let (mut terms, stop, run) = stand(&cluster, "newer", "1.36.0").await;
    let newer = soon("a term", terms.recv()).await.unwrap();
    assert!(newer.is_valid());
    // The oldest emulation version is to lead: the newer one is asked to go, and the older one elected.
    let (mut older_terms, older_stop, older_run) = stand(&cluster, "older", "1.35.0").await;
    let older = soon("a hand-over", older_terms.recv()).await.unwrap();
    assert_eq!(newer.loss(), Some(Loss::Preferred("older".to_owned())));
    assert!(older.is_valid() && !newer.is_valid() && older.token() > newer.token());

    for (stop, run) in [(stop, run), (older_stop, older_run)] {
        stop.cancel();
        soon("the run", run).await.unwrap().unwrap();
    }
    for name in ["older", "newer"] {
        assert_eq!(api.get_candidate("default", name).await, Ok(None));
    }
    let lease = api.get("default", "l").await.unwrap().unwrap();
    assert_eq!(lease.spec.holder_identity.as_deref(), Some(""));
    assert_eq!(lease.spec.strategy.as_deref(), Some(OLDEST_EMULATION_VERSION));
}

#[tokio::test]
async fn a_heart_beats() {
    let cluster = Cluster::start().await;
    let (leases, api) = (cluster.process().await, cluster.leases().await);
    let mut heartbeat = Heartbeat::new(&leases, "kube-node-lease", "n1");
    heartbeat.beat().await.unwrap();
    let first = api.get("kube-node-lease", "n1").await.unwrap().unwrap();
    assert_eq!(
        (first.spec.holder_identity.as_deref(), first.spec.lease_duration_seconds),
        (Some("n1"), Some(40))
    );
    heartbeat.beat().await.unwrap();
    let second = api.get("kube-node-lease", "n1").await.unwrap().unwrap();
    assert!(second.spec.renew_time > first.spec.renew_time);
}
