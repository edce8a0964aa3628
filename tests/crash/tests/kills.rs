//! A hundred kills of the real program under load: every promise holds, and enough happened for that to mean something.

#![allow(clippy::print_stderr)] // what a test harness captures unless it fails, or is told not to

use leasehold_crash::{Plan, figures, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_reused_or_told_wrongly_in_a_hundred_kills() {
    let seed = rand::random();
    eprintln!("seed {seed}; again: cargo xtask crash --kills 100 --seed {seed}");
    let round = run(Plan { seed, kills: 100 }).await.unwrap();
    eprintln!("{}", round.figures);
    figures::record(&round.figures).unwrap();
    assert!(round.violations.is_empty(), "{}", round.complaints().join("\n"));
    let figures = round.figures;
    assert!(figures.kills >= 100 && figures.resumes >= 300, "{figures}");
    assert!(
        figures.writes_acknowledged >= 1000 && figures.lists >= 50 && figures.bookmarks >= 5,
        "{figures}"
    );
    assert!(figures.unknown > 0 && figures.searched > figures.undecided, "{figures}");
}
