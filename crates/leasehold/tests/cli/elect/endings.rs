//! How an elector ends, and what its exit code says.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::stage::{stdin_of, unrunnable};
use super::{Candidate, Stage, eventually};

#[test]
fn the_exit_code_is_the_commands() {
    let stage = Stage::new();
    let program = stage.path("empty");
    let program = unrunnable(&program).to_str().unwrap();
    for (command, code) in [
        (&["sh", "-c", "exit 7"][..], 7),
        (&["true"], 0),
        (&["sh", "-c", "kill -9 $$"], 137),
        (&["/nonexistent/command"], 127),
        (&[program], 126),
    ] {
        let mut candidate = stage.run("a", &[], command, Stdio::null());
        assert_eq!(candidate.code(), Some(code), "{command:?}: {}", stage.read("a.stderr"));
        assert_eq!(stage.spec()["holderIdentity"], "", "released: {command:?}");
    }
    assert!(
        stage.read("a.stderr").contains("leasehold: cannot run "),
        "{}",
        stage.read("a.stderr")
    );
}

#[test]
fn what_cannot_work_is_one_line() {
    let stage = Stage::new();
    let config = stage.path("none").to_str().unwrap().to_owned();
    for (flags, code, about) in [
        (&["--kubeconfig", &config][..], 4, "none"),
        (&["--context", "nobody"], 4, "nobody"),
        (&["--deadline", "2s"], 2, "not safe"),
        (&["--once", "--restart"], 2, "--restart"),
    ] {
        let mut candidate = stage.candidate("a", &[&["--quiet"], flags].concat(), "exit 0");
        assert_eq!(candidate.code(), Some(code), "{flags:?}");
        let text = stage.read("a.stderr");
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("hint: ")).collect();
        assert!(
            lines.len() == 1 && lines[0].starts_with("leasehold: ") && lines[0].contains(about),
            "{text}"
        );
    }
}

#[test]
fn a_timeout_bounds_the_wait_for_leadership_only() {
    let stage = Stage::new();
    let mut leader = stage.candidate("a", &["--timeout", "1s"], "echo > leads; sleep 60");
    stage.lines("leads", 1);
    let mut late = stage.candidate("b", &["--timeout", "300ms"], "echo > never");
    assert_eq!(late.code(), Some(124));
    assert_eq!(stage.read("never"), "");
    assert_eq!(leader.child.try_wait().unwrap(), None);
}

#[test]
fn a_signal_reaches_the_command_first() {
    let stage = Stage::new();
    // What it does at its end, it does while the lease is still held.
    let script = "trap 'echo interrupted > told; kill $!; sleep 0.3; echo done >> told; exit 9' INT
        echo > leads; sleep 60 & wait";
    let mut candidate = stage.candidate("a", &[], script);
    stage.lines("leads", 1);
    candidate.signal(Signal::INT);
    stage.lines("told", 1);
    assert_eq!(stage.spec()["holderIdentity"], "a");
    assert_eq!(candidate.code(), Some(9));
    assert_eq!(stage.read("told"), "interrupted\ndone\n");
    assert_eq!(stage.spec()["holderIdentity"], "");
}

#[test]
fn a_second_signal_kills() {
    let stage = Stage::new();
    let script = "trap 'echo >> told' TERM; echo > leads; while :; do sleep 0.05; done";
    let mut candidate = stage.candidate("a", &["--kill-after", "1h"], script);
    stage.lines("leads", 1);
    candidate.signal(Signal::TERM);
    stage.lines("told", 1);
    candidate.signal(Signal::TERM);
    assert_eq!(candidate.code(), Some(137));
    stage.wait_for_holder("");
}

#[test]
fn after_kill_after_it_is_killed_while_the_lease_is_held() {
    let stage = Stage::new();
    let script = "trap '' TERM; echo > leads; while :; do sleep 0.05; done";
    let mut candidate = stage.candidate("a", &["--kill-after", "200ms"], script);
    stage.lines("leads", 1);
    candidate.signal(Signal::TERM);
    assert_eq!(candidate.code(), Some(137));
    assert_eq!(stage.spec()["holderIdentity"], "");
}

#[test]
fn other_signals_are_the_commands_business() {
    let stage = Stage::new();
    let script = "trap 'echo hup >> told' HUP; trap 'echo usr1 >> told' USR1; echo > leads
        while :; do sleep 0.05; done";
    let mut candidate = stage.candidate("a", &[], script);
    stage.lines("leads", 1);
    candidate.signal(Signal::HUP);
    stage.lines("told", 1);
    candidate.signal(Signal::USR1);
    assert_eq!(stage.lines("told", 2), ["hup", "usr1"]);
    candidate.signal(Signal::QUIT);
    assert_eq!(candidate.code(), Some(131));
}

#[test]
fn under_nohup_a_hangup_is_nothing() {
    let stage = Stage::new();
    let elect = stage.elect("a", &[], &["sh", "-c", "echo > leads; sleep 60"]);
    let mut nohup = Command::new("sh");
    nohup.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    nohup.arg(elect.get_program()).args(elect.get_args());
    nohup
        .envs(elect.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(stage.path("."));
    let mut candidate = Candidate {
        child: nohup.spawn().unwrap(),
    };
    stage.lines("leads", 1);
    candidate.signal(Signal::HUP);
    candidate.signal(Signal::TERM);
    // By SIGTERM: had SIGHUP been heard, it would have come first.
    assert_eq!(candidate.code(), Some(143));
}

#[test]
fn who_follows_ends_at_a_signal() {
    let stage = Stage::new();
    let _leader = stage.candidate("a", &[], "echo > leads; sleep 60");
    stage.lines("leads", 1);
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut follower = stage.candidate("b", &[], "echo > never");
        eventually("follower", || {
            stage.read("b.stderr").contains("held by a").then_some(())
        });
        follower.signal(signal);
        assert_eq!(follower.code(), Some(code));
    }
    assert_eq!(stage.spec()["holderIdentity"], "a");
}

#[test]
fn once_means_that_a_lost_lease_is_the_end() {
    let stage = Stage::new();
    let mut candidate = stage.candidate("a", &["--once"], "echo > leads; sleep 60");
    stage.lines("leads", 1);
    stage.delete_lease();
    assert_eq!(candidate.code(), Some(123), "{}", stage.read("a.stderr"));
}

#[test]
fn without_once_it_leads_again_with_a_higher_token() {
    let stage = Stage::new();
    let _candidate = stage.candidate("a", &[], "echo $LEASEHOLD_TOKEN >> tokens; sleep 60");
    stage.lines("tokens", 1);
    stage.delete_lease();
    let tokens: Vec<u64> = stage
        .lines("tokens", 2)
        .iter()
        .map(|line| line.parse().unwrap())
        .collect();
    assert!(tokens[0] < tokens[1], "{tokens:?}");
}

#[test]
fn restart_runs_the_command_again_in_the_same_term() {
    let stage = Stage::new();
    let mut candidate = stage.candidate("a", &["--restart"], "echo $LEASEHOLD_TOKEN >> tokens; exit 3");
    let tokens = stage.lines("tokens", 2);
    assert_eq!(tokens[0], tokens[1]);
    assert!(
        stage.read("a.stderr").contains("ended with 3; again in 1s"),
        "{}",
        stage.read("a.stderr")
    );
    candidate.signal(Signal::TERM);
    assert!(matches!(candidate.code(), Some(3 | 143)));
    stage.wait_for_holder("");
}

#[test]
fn what_the_command_leaves_behind_ends_with_it() {
    let stage = Stage::new();
    let script = "(trap '' TERM; sleep 60) & echo $! > pids; exit 4";
    let mut candidate = stage.candidate("a", &["--kill-after", "200ms"], script);
    assert_eq!(candidate.code(), Some(4));
    stage.wait_until_gone("pids");
}

#[test]
fn standard_input_is_the_commands() {
    let stage = Stage::new();
    let mut candidate = stage.run("a", &[], &["sh", "-c", "cat > got"], stdin_of("one\ntwo\n"));
    assert_eq!(candidate.code(), Some(0));
    assert_eq!(stage.read("got"), "one\ntwo\n");
}
