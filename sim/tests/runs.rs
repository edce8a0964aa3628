//! Whole runs: that they repeat, and that what once failed does not any more.

use leasehold_sim::plan::{ElectorKind, Plan, profile_of};
use leasehold_sim::{kept, simulate};

fn plan(seed: u64) -> Plan {
    Plan::new(seed, ElectorKind::Shipped, profile_of(seed))
}

#[test]
fn one_seed_gives_one_trace() {
    let mut hashes = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let (once, again) = (simulate(&plan(seed), false), simulate(&plan(seed), false));
        assert_eq!(
            (once.trace_hash, once.trace_entries),
            (again.trace_hash, again.trace_entries),
            "seed {seed}"
        );
        assert!(once.trace_entries > 100, "seed {seed}: hardly anything happened");
        hashes.insert(once.trace_hash);
    }
    assert_eq!(hashes.len(), 100, "two seeds gave the same run");
}

#[test]
fn a_plan_that_is_written_down_gives_the_same_run() {
    for seed in [1, 8] {
        let text = serde_json::to_string(&plan(seed)).unwrap();
        let read: Plan = serde_json::from_str(&text).unwrap();
        assert_eq!(
            simulate(&plan(seed), false).trace_hash,
            simulate(&read, false).trace_hash
        );
    }
}

#[test]
fn what_once_failed_does_not_any_more() {
    let mut count = 0;
    for entry in std::fs::read_dir(kept::directory()).unwrap() {
        let file = entry.unwrap().path();
        let kept = kept::read(&file).unwrap();
        let report = simulate(&kept.plan, false);
        assert!(
            report.violations.is_empty(),
            "{}: {:?}, kept because {}",
            file.display(),
            report.violations,
            kept.why
        );
        count += 1;
    }
    assert!(count > 0, "nothing is kept");
}
