//! Measurements of a server that does planted things wrong: each must be told, and told exactly.

mod stub;

use std::time::Duration;

use leasehold_bench::{
    Encoding, Error, Heartbeat, List, Load, Pace, Protocol, Report, Run, Setup, Target, Until, Watch, Watches,
};
use stub::{Fault, Stub};

const NODES: u32 = 20;

fn setup(stub: &Stub, connections: usize) -> Setup {
    Setup {
        target: Target::new(&stub.url, None, None, None, Protocol::Http1).unwrap(),
        encoding: Encoding::Json,
        namespace: "ns".to_owned(),
        prefix: "n".to_owned(),
        connections,
        threads: 2,
        timeout: Duration::from_secs(60),
        pids: vec![std::process::id()],
    }
}

fn load(pace: Pace, count: u64) -> Load {
    Load {
        pace,
        until: Until::Count(count),
        warm_up: Duration::ZERO,
    }
}

const CLOSED: Pace = Pace::Closed { in_flight: 4 };

async fn heartbeat(stub: &Stub, load: Load) -> Result<Report, Error> {
    let plan = Heartbeat {
        nodes: NODES,
        load,
        idle: None,
        stalled: None,
        keep: false,
    };
    leasehold_bench::heartbeat(&setup(stub, 4), plan, &Run::default()).await
}

async fn watch(stub: &Stub, single_name: bool, count: u64) -> Report {
    let plan = Watch {
        watches: Watches {
            count: 6,
            connections: 6,
        },
        single_name,
        nodes: NODES,
        load: load(CLOSED, count),
        keep: false,
    };
    leasehold_bench::watch(&setup(stub, 4), plan, &Run::default())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn renewals_are_counted_and_leases_are_gone_afterwards() {
    let stub = Stub::start(&[]).await;
    let report = heartbeat(&stub, load(CLOSED, 101)).await.unwrap();
    assert_eq!(report.operations, 101);
    assert_eq!(report.latency_microseconds.count, 101);
    assert_eq!((report.conflicts, report.failures.len(), report.left_over), (0, 0, 0));
    assert_eq!(report.processes.len(), 1);
    assert_eq!(stub.counts().await, (0, 101, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_conflict_the_lease_is_read_and_renewed_again() {
    let stub = Stub::start(&[(5, Fault::Conflict), (9, Fault::Conflict)]).await;
    let report = heartbeat(&stub, load(CLOSED, 60)).await.unwrap();
    assert_eq!((report.operations, report.conflicts), (58, 2));
    assert_eq!(stub.counts().await, (0, 60, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_connection_it_goes_on_with_another() {
    let stub = Stub::start(&[(5, Fault::HangUp)]).await;
    let report = heartbeat(&stub, load(CLOSED, 60)).await.unwrap();
    assert_eq!(report.operations, 59);
    assert_eq!(report.failures.values().sum::<u64>(), 1, "{:?}", report.failures);
    assert_eq!(report.left_over, 0);
}

/// At 200 a second, a stall of 600 ms holds up the 120 renewals that are due in it, however few could be in flight: half
/// of all must be late.
#[tokio::test(flavor = "multi_thread")]
async fn in_an_open_loop_what_a_stall_holds_up_is_late() {
    let stall = Duration::from_millis(600);
    let pace = Pace::Open {
        rate: 200.0,
        in_flight: 4,
    };
    let stub = Stub::start(&[(20, Fault::Stall(stall))]).await;
    let report = heartbeat(&stub, load(pace, 160)).await.unwrap();
    let latency = report.latency_microseconds;
    assert_eq!(report.operations, 160);
    assert!(latency.max >= 600e3, "{latency:?}");
    assert!(latency.p90 >= 400e3, "{latency:?}");
    assert!(latency.p50 >= 100e3, "{latency:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_watcher_of_a_good_server_is_told_everything_once() {
    for single_name in [false, true] {
        let stub = Stub::start(&[]).await;
        // The stub tells everybody everything, as a server must not do with watches of one name.
        let found = watch(&stub, single_name, 40).await.deliveries.unwrap();
        assert_eq!(
            (found.watchers, found.missed, found.duplicates, found.ended),
            (6, 0, 0, 0)
        );
        assert_eq!(found.delivered, found.expected);
        assert!(found.expected + found.unexpected <= 6 * 40, "{found:?}");
        assert!(single_name || found.expected == 6 * 40, "{found:?}");
        assert_eq!(found.unexpected > 0, single_name, "{found:?}");
        assert!(found.expected >= 6, "each lease is written once or more: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_watchers_were_not_told_or_told_twice_or_wrongly_is_counted() {
    for (fault, wanted) in [
        (Fault::Forget, [6, 0, 0, 0, 0]),
        (Fault::Repeat, [0, 6, 0, 0, 0]),
        (Fault::RefuseAndTell, [0, 0, 6, 0, 0]),
        // Nothing is told of the last ten writes.
        (Fault::EndWatches, [0, 0, 0, 6, 60]),
    ] {
        let stub = Stub::start(&[(30, fault)]).await;
        let deliveries = watch(&stub, false, 40).await.deliveries.unwrap();
        let found = [
            deliveries.missed,
            deliveries.duplicates,
            deliveries.unexpected,
            deliveries.ended,
            deliveries.cut_off,
        ];
        assert_eq!(found, wanted, "{fault:?}: {deliveries:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_in_pages_is_as_long_as_one_in_one_piece() {
    let stub = Stub::start(&[]).await;
    let mut bytes = Vec::new();
    for page in [None, Some(7)] {
        let plan = List {
            nodes: NODES,
            page,
            load: load(Pace::Closed { in_flight: 1 }, 5),
            keep: false,
        };
        let report = leasehold_bench::list(&setup(&stub, 1), plan, &Run::default())
            .await
            .unwrap();
        assert_eq!(report.operations, 5);
        bytes.push(report.bytes_per_operation.unwrap());
    }
    assert!(bytes[1] > bytes[0] && bytes[1] < bytes[0] * 1.1, "{bytes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_reports_what_it_has_and_cleans_up() {
    let stub = Stub::start(&[]).await;
    let run = Run::default();
    let plan = Heartbeat {
        nodes: NODES,
        load: load(CLOSED, u64::MAX),
        idle: None,
        stalled: None,
        keep: false,
    };
    let stop = async {
        while run.meter.read().phase != "renewing" || run.meter.read().done < 10 {
            tokio::task::yield_now().await;
        }
        run.stop.cancel();
    };
    let setup = setup(&stub, 4);
    let (report, ()) = tokio::join!(leasehold_bench::heartbeat(&setup, plan, &run), stop);
    let report = report.unwrap();
    assert!(report.interrupted && report.operations >= 10, "{report:?}");
    assert_eq!(stub.counts().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_of_others_are_neither_written_nor_deleted() {
    let stub = Stub::start(&[]).await;
    stub.put_foreign("n-0000007").await;
    let error = heartbeat(&stub, load(CLOSED, 10)).await.unwrap_err();
    assert!(error.to_string().contains("not of 'leasehold bench'"), "{error}");
    assert_eq!(stub.counts().await, (1, 0, 1), "what was created before is gone again");
}

#[tokio::test]
async fn a_plan_without_sense_and_a_server_that_is_not_there_are_one_line() {
    let stub = Stub::start(&[]).await;
    let many = Pace::Closed { in_flight: 21 };
    for (pace, about) in [
        (many, "over HTTP/1.1 each request in flight needs a connection"),
        (
            Pace::Open {
                rate: 0.0,
                in_flight: 1,
            },
            "rate",
        ),
        (Pace::Closed { in_flight: 0 }, "at least one"),
    ] {
        let error = heartbeat(&stub, load(pace, 1)).await.unwrap_err().to_string();
        assert!(error.contains(about) && !error.contains('\n'), "{error}");
    }
    let mut gone = setup(&stub, 1);
    drop(stub);
    // A port that was free a moment ago, and that nobody listens on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    gone.target = Target::new(&url, None, None, None, Protocol::Http1).unwrap();
    let plan = Heartbeat {
        nodes: 1,
        load: load(Pace::Closed { in_flight: 1 }, 1),
        idle: None,
        stalled: None,
        keep: false,
    };
    let error = leasehold_bench::heartbeat(&gone, plan, &Run::default())
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with(&url), "{error}");
}
