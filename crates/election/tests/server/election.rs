//! Elections on a real server.

use std::time::{Duration, Instant};

use leasehold_election::{Election, Elector, Ended, Leadership, LeaseApi, Leases, Record, State, WorkGuard};
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
async fn a_released_lease_is_handed_over_through_the_watch() {
    let cluster = Cluster::start().await;
    let (one, two) = (cluster.process().await, cluster.process().await);
    let (mut first, mut second) = (start(&one, "first"), start(&two, "second"));
    let (old, guard) = leads(&mut first).await;
    // The second may have won the race to create it: then it leads, and this names would be the other way round.
    assert_eq!(old.identity(), "first");
    follows(&second, "first").await;
    let begin = Instant::now();
    drop(guard);
    soon("a stop", first.stop()).await.unwrap();
    let (new, _guard) = leads(&mut second).await;
    let took = begin.elapsed();
    assert!(!old.is_valid() && new.is_valid());
    assert!(new.token() > old.token());
    // Without the watch it takes up to 4.4 s, and without a release 15 s.
    eprintln!("handed over in {took:?}");
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
    let mut cluster = Cluster::start().await;
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
    let _ = &mut cluster;
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
