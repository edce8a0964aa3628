//! `leasehold demo` and `leasehold timers` as a user meets them.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::elect::stage::{children, eventually, is_alive};
use crate::{ended, leasehold, output};

#[test]
fn the_demo_shows_three_leaders_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = leasehold(&["demo", "--no-wait"]);
    demo.env("TMPDIR", dir.path())
        .env("PATH", std::env::var_os("PATH").unwrap());
    let shown = ended(demo);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    for words in [
        "three candidates",
        "kill -9 ",
        " after the crash",
        " after the signal",
        "export KUBECONFIG=",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(text.matches(" leads ").count(), 3, "{text}");
    assert!(!text.contains('\x1b'), "no colour without a terminal: {text}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_demo_that_is_interrupted_cleans_up_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = leasehold(&["demo"])
        .env("TMPDIR", dir.path())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(demo.stdout.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains(" leads  ")));
    kill_process(Pid::from_child(&demo), Signal::INT).unwrap();
    drop(lines);
    assert_eq!(demo.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn nobody_outlives_a_demo_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = leasehold(&["demo"])
        .env("TMPDIR", dir.path())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(demo.stdout.take().unwrap()));
    assert!(lines.any(|line| line.unwrap().contains(" leads  ")));
    let everyone = children(demo.id());
    assert_eq!(everyone.len(), 4, "a server and three candidates: {everyone:?}");
    demo.kill().unwrap();
    demo.wait().unwrap();
    for each in everyone {
        eventually("end of a process of the demo", || (!is_alive(each)).then_some(()));
    }
}

#[test]
fn timers_are_judged() {
    let good = output(&["timers"]);
    assert!(good.status.success(), "{good:?}");
    assert!(
        String::from_utf8(good.stdout)
            .unwrap()
            .contains("tolerated outage of the API")
    );
    let bad = output(&["timers", "--duration", "10s", "--deadline", "9s", "-o", "json"]);
    assert_eq!(bad.status.code(), Some(1));
    let value: serde_json::Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert!(value["refused"].as_str().unwrap().contains("not safe"), "{value}");
}
