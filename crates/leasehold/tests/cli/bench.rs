//! `leasehold bench` against a running server: what it prints, and what it leaves behind.

use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Server, complaint, ended, leasehold, output};

fn report(data_dir: &Path, arguments: &[&str]) -> Value {
    let mut command = leasehold(&["bench"]);
    command
        .args(arguments)
        .args(["-o", "json"])
        .env("LEASEHOLD_DATA_DIR", data_dir);
    let output = ended(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn leases(data_dir: &Path) -> u64 {
    let list = report(data_dir, &["list", "--nodes", "0", "--count", "1", "--warm-up", "0s"]);
    // An empty list has no more than its metadata.
    let bytes = list["bytesPerOperation"].as_f64().unwrap();
    if bytes < 300.0 { 0 } else { bytes as u64 }
}

#[test]
fn every_protocol_and_encoding_renews_watches_and_lists() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let pid = server.child.id().to_string();
    for protocol in ["h2", "http1"] {
        for encoding in ["json", "protobuf"] {
            let how = [
                "--protocol",
                protocol,
                "--encoding",
                encoding,
                "--warm-up",
                "0s",
                "--nodes",
                "8",
            ];
            let heartbeat = [
                "heartbeat",
                "--in-flight",
                "4",
                "--count",
                "60",
                "--pid",
                &pid,
                "--idle-watches",
                "3",
                "--stalled-watches",
                "3",
            ];
            let renewed = report(dir.path(), &[&heartbeat[..], &how].concat());
            assert_eq!(renewed["operations"], 60, "{renewed:#}");
            assert_eq!((&renewed["conflicts"], &renewed["leftOver"]), (&0.into(), &0.into()));
            assert_eq!(renewed["failures"], serde_json::json!({}));
            assert_eq!(renewed["latencyMicroseconds"]["count"], 60);
            assert_eq!(renewed["processes"][0]["pid"], server.child.id());
            assert!(renewed["processes"][0]["rssBytes"].as_u64().unwrap() > 1 << 20);
            let idle = &renewed["deliveries"];
            assert_eq!(
                (&idle["watchers"], &idle["ended"], &idle["unexpected"]),
                (&3.into(), &0.into(), &0.into())
            );

            for single in [&[][..], &["--single-name"]] {
                let watch = ["watch", "--watchers", "5", "--in-flight", "4", "--count", "40"];
                let watched = report(dir.path(), &[&watch[..], &how, single].concat());
                let deliveries = &watched["deliveries"];
                let expected = deliveries["expected"].as_u64().unwrap();
                assert!(if single.is_empty() {
                    expected == 5 * 40
                } else {
                    (5..5 * 40).contains(&expected)
                });
                assert_eq!(deliveries["delivered"], expected);
                for wrong in ["missed", "duplicates", "unexpected", "ended"] {
                    assert_eq!(deliveries[wrong], 0, "{wrong} of {watched:#}");
                }
            }

            let list = ["list", "--count", "3"];
            let whole = report(dir.path(), &[&list[..], &how].concat());
            let pages = report(dir.path(), &[&list[..], &how, &["--page", "3"]].concat());
            let bytes = |report: &Value| report["bytesPerOperation"].as_f64().unwrap();
            assert!(
                bytes(&pages) > bytes(&whole) && bytes(&whole) > 8.0 * 200.0,
                "{whole:#} {pages:#}"
            );
        }
    }
    assert_eq!(leases(dir.path()), 0);
}

#[test]
fn without_a_form_it_prints_lines_for_people() {
    let dir = tempfile::tempdir().unwrap();
    let _server = Server::start(dir.path(), &[]);
    let mut command = leasehold(&[
        "bench",
        "heartbeat",
        "--rate",
        "500",
        "--count",
        "50",
        "--warm-up",
        "0s",
    ]);
    command.env("LEASEHOLD_DATA_DIR", dir.path());
    let output = ended(command);
    let text = String::from_utf8(output.stdout).unwrap();
    let first: Vec<_> = text
        .lines()
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(first, ["renewals", "latency", "this"], "{text}");
    assert!(text.starts_with("renewals      50 in "), "{text}");
}

#[test]
fn a_signal_ends_it_with_a_report_and_without_leases() {
    let dir = tempfile::tempdir().unwrap();
    let _server = Server::start(dir.path(), &[]);
    // A signal can come between the last lease and the first renewal; then there is nothing to report, and it says so.
    for _ in 0..20 {
        let output = interrupted(dir.path());
        assert_eq!(leases(dir.path()), 0);
        if output.status.code() == Some(130) {
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["interrupted"], true);
            return;
        }
        assert!(String::from_utf8_lossy(&output.stderr).contains("stopped before anything was measured"));
    }
    panic!("it never came to measuring");
}

/// Ends a measurement without end once its leases are there.
fn interrupted(data_dir: &Path) -> Output {
    let mut command = leasehold(&["bench", "heartbeat", "--nodes", "100", "--duration", "1h"]);
    command
        .args(["--warm-up", "0s", "-o", "json"])
        .env("LEASEHOLD_DATA_DIR", data_dir);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..500 {
        if leases(data_dir) > 100 * 300 {
            break;
        }
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn what_is_wrong_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none").to_str().unwrap().to_owned();
    for (arguments, code, about) in [
        (&["heartbeat", "--kubeconfig", &none][..], 4, "there is no such file"),
        (&["heartbeat", "--server", "https://127.0.0.1:1"], 2, "--ca"),
        (
            &["heartbeat", "--server", "http://192.0.2.1", "--token", "t"],
            2,
            "loopback",
        ),
        (
            &["heartbeat", "--server", "http://127.0.0.1:1"],
            1,
            "http://127.0.0.1:1: ",
        ),
        (
            &["heartbeat", "--count", "0", "--server", "http://127.0.0.1:1"],
            2,
            "--count",
        ),
        (
            &[
                "heartbeat",
                "--nodes",
                "3",
                "--in-flight",
                "4",
                "--server",
                "http://127.0.0.1:1",
            ],
            2,
            "4 renewals",
        ),
        (&["list", "--page", "0", "--server", "http://127.0.0.1:1"], 2, "page"),
        (
            &["watch", "--watchers", "0", "--server", "http://127.0.0.1:1"],
            2,
            "watch",
        ),
        (&["dance"], 2, "dance"),
    ] {
        let (exit, lines) = complaint(&output(&[&["bench"], arguments].concat()));
        assert_eq!(exit, Some(code), "{arguments:?}: {lines:?}");
        assert!(
            lines[0].starts_with("leasehold: ") && lines[0].contains(about),
            "{lines:?}"
        );
    }
}
