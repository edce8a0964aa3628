//! Never two commands at once: whatever happens to the leader, its command is gone before the next one begins.
//!
//! Commands append to one file, each line with the candidate's name and the time since boot. The order of the lines is
//! the kernel's; the times say by how much.

use rustix::process::Signal;

use super::{Candidate, Stage};

/// Says all the time that it is alive, for a minute at most.
const BEAT: &str = r#"
    echo $$ >> pids.$LEASEHOLD_IDENTITY
    n=0; while [ $n -lt 3000 ]; do
        read up rest < /proc/uptime; echo "$LEASEHOLD_IDENTITY $up $LEASEHOLD_TOKEN" >> beats
        sleep 0.02; n=$((n+1))
    done"#;

/// Starts a leader, does something to it, and watches another candidate take over.
fn take_over(script: &str, what_happens: impl FnOnce(&Stage, &Candidate)) -> Stage {
    let stage = Stage::new();
    let leader = stage.candidate("a", &["--status-file", "status.json"], script);
    stage.lines("beats", 3);
    let _follower = stage.candidate("b", &[], BEAT);
    // It follows.
    super::eventually("follower", || {
        stage.read("b.stderr").contains("held by a").then_some(())
    });
    what_happens(&stage, &leader);
    super::eventually("take-over", || stage.read("beats").contains("\nb ").then_some(()));
    let lines = stage.read("beats").lines().count();
    stage.lines("beats", lines + 10);
    stage.wait_until_gone("pids.a");
    one_at_a_time(&stage.read("beats"));
    stage
}

/// All lines of `a`, then all lines of `b`, whose token is higher.
fn one_at_a_time(beats: &str) {
    let lines: Vec<Vec<&str>> = beats.lines().map(|line| line.split(' ').collect()).collect();
    let first_of_b = lines.iter().position(|line| line[0] == "b").unwrap();
    let (before, after) = lines.split_at(first_of_b);
    assert!(after.iter().all(|line| line[0] == "b"), "both ran at once:\n{beats}");
    let time = |line: &Vec<&str>| line[1].parse::<f64>().unwrap();
    assert!(time(before.last().unwrap()) <= time(&after[0]), "{beats}");
    let token = |line: &Vec<&str>| line[2].parse::<u64>().unwrap();
    assert!(token(&before[0]) < token(&after[0]), "tokens did not grow:\n{beats}");
}

#[test]
fn when_the_elector_is_killed_its_command_ends_and_another_takes_over() {
    take_over(BEAT, |_, leader| leader.signal(Signal::KILL));
}

#[test]
fn when_the_elector_is_killed_its_command_need_not_wait_for_the_deadline() {
    let stage = Stage::new();
    let leader = stage.candidate("a", &["--duration", "1000s"], BEAT);
    stage.lines("beats", 3);
    leader.signal(Signal::KILL);
    stage.wait_until_gone("pids.a");
}

/// Stops the leader's elector, and sees its command end before the validity that the elector told last.
fn outlive_a_stopped_elector(script: &str) {
    let mut valid_until = 0.0;
    let stage = take_over(script, |stage, leader| {
        leader.signal(Signal::STOP);
        super::eventually("stopped elector", || leader.is_stopped().then_some(()));
        let status: serde_json::Value = serde_json::from_str(&stage.read("status.json")).unwrap();
        valid_until = status["validUntil"]["seconds"].as_f64().unwrap();
    });
    let beats = stage.read("beats");
    let last = beats.lines().rfind(|line| line.starts_with("a ")).unwrap();
    let last: f64 = last.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(last < valid_until, "valid until {valid_until}:\n{beats}");
    assert_eq!(stage.spec()["holderIdentity"], "b");
}

#[test]
fn when_the_elector_is_stopped_its_command_ends_before_another_leads() {
    outlive_a_stopped_elector(BEAT);
}

#[test]
fn a_command_that_will_not_end_is_killed_in_time() {
    outlive_a_stopped_elector(&format!("trap '' TERM INT HUP\n{BEAT}"));
}

#[test]
fn grandchildren_end_too_in_the_group_and_out_of_it() {
    // One in the group; one that left it; one whose parent has ended, and that hears no SIGTERM.
    let script = format!(
        "(trap '' TERM; {BEAT}) & echo $! >> pids.a
         setsid sh -c 'echo $$ >> pids.a; {BEAT}' &
         (setsid sh -c 'trap \"\" TERM; echo $$ >> pids.a; {BEAT}' &)
         wait"
    );
    let stage = take_over(&script, |_, leader| leader.signal(Signal::KILL));
    // Each says so twice, but for the first, which has no process id of its own to tell.
    assert_eq!(stage.read("pids.a").lines().count(), 6);
}

#[test]
fn a_release_hands_over_at_once() {
    let stage = Stage::new();
    let mut leader = stage.candidate("a", &["--duration", "60s", "--deadline", "30s"], BEAT);
    stage.lines("beats", 3);
    let _follower = stage.candidate("b", &[], BEAT);
    super::eventually("follower", || {
        stage.read("b.stderr").contains("held by a").then_some(())
    });
    leader.signal(Signal::TERM);
    assert_eq!(leader.code(), Some(143));
    // Long before the lease would have run out.
    super::eventually("take-over", || stage.read("beats").contains("\nb ").then_some(()));
    one_at_a_time(&stage.read("beats"));
}

#[test]
fn after_an_outage_the_lease_is_not_released_before_the_command_has_ended() {
    let stage = Stage::new();
    let slow = "trap 'kill $!; sleep 1; echo gone >> story; exit' TERM; echo leads >> story; sleep 60 & wait";
    let flags = ["--duration", "6s", "--deadline", "1s"];
    let _leader = stage.candidate("a", &flags, slow);
    stage.lines("story", 1);
    let _follower = stage.candidate("b", &flags, "echo follows >> story; sleep 60");
    super::eventually("follower", || {
        stage.read("b.stderr").contains("held by a").then_some(())
    });
    stage.server.server.signal(Signal::STOP);
    super::eventually("loss", || {
        stage.read("a.stderr").contains("lost default/job").then_some(())
    });
    stage.server.server.signal(Signal::CONT);
    assert_eq!(stage.lines("story", 3), ["leads", "gone", "follows"]);
}

#[test]
fn a_stopped_elector_goes_on_as_a_follower() {
    let stage = Stage::new();
    let mut first = stage.candidate("a", &[], BEAT);
    stage.lines("beats", 3);
    let mut second = stage.candidate("b", &[], BEAT);
    first.signal(Signal::STOP);
    stage.wait_for_holder("b");
    first.signal(Signal::CONT);
    super::eventually("rejoining", || {
        stage.read("a.stderr").contains("held by b").then_some(())
    });
    second.signal(Signal::TERM);
    assert_eq!(second.code(), Some(143));
    stage.wait_for_holder("a");
    first.signal(Signal::TERM);
    assert_eq!(first.code(), Some(143));
    stage.wait_for_holder("");
}

#[test]
fn sigtstp_steps_down_and_sigcont_rejoins() {
    let stage = Stage::new();
    let leader = stage.candidate("a", &["--duration", "60s", "--deadline", "30s"], BEAT);
    stage.lines("beats", 3);
    leader.signal(Signal::TSTP);
    super::eventually("stopped elector", || leader.is_stopped().then_some(()));
    assert_eq!(stage.spec()["holderIdentity"], "", "released before it stopped");
    stage.wait_until_gone("pids.a");
    let before = stage.read("beats").lines().count();
    leader.signal(Signal::CONT);
    stage.lines("beats", before + 3);
}

#[test]
fn when_the_supervisor_is_killed_the_command_is_too() {
    let stage = Stage::new();
    let script = format!("(setsid sh -c 'trap \"\" TERM; echo $$ >> pids.a; {BEAT}' &) ; {BEAT}");
    let mut leader = stage.candidate("a", &[], &script);
    stage.lines("pids.a", 3);
    stage.lines("beats", 3);
    for supervisor in super::stage::children(leader.child.id()) {
        rustix::process::kill_process(supervisor, Signal::KILL).unwrap();
    }
    assert_eq!(leader.code(), Some(125));
    assert!(stage.read("a.stderr").contains("the supervisor was killed"));
    stage.wait_until_gone("pids.a");
    stage.wait_for_holder("");
}
