//! The program as a user meets it: exit codes, one line for each mistake, files, signals.
//!
//! Every test has a data directory of its own and an empty environment, so nothing of the machine leaks in or out.

mod asked;
mod bench;
mod demo;
mod elect;
mod program;
mod scope;
mod status;
mod upkeep;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use program::{Server, complaint, ended, leasehold, output};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a_mistake_is_one_line_with_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("c.toml"), "listen = '127.0.0.1:0'\nlissten = 1\n").unwrap();
    std::fs::write(path("garbage.pem"), "garbage").unwrap();
    let (data, none, config, garbage) = (path("data"), path("none"), path("c.toml"), path("garbage.pem"));
    let serve = [
        "serve",
        "--log-level",
        "off",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &data,
    ];
    for (more, code, about) in [
        (&["--lisen", "x"][..], 2, "--lisen"),
        (&["--config", &config], 2, "line 2: unknown key `lissten`"),
        (&["--insecure-http", "0.0.0.0:0"], 2, "loopback"),
        (&["--insecure-http", "127.0.0.1:0", "--token-file", &none], 4, &none),
        (&["--client-ca", &garbage], 4, "garbage.pem holds no certificate"),
        (
            &["--tls-cert", &garbage, "--tls-key", &garbage],
            4,
            "garbage.pem holds no certificate",
        ),
        (&["--tls-cert", &none, "--tls-key", &none], 4, &none),
    ] {
        let (exit, lines) = complaint(&output(&[&serve, more].concat()));
        assert_eq!(exit, Some(code), "{lines:?}");
        assert!(
            lines[0].starts_with("leasehold: ") && lines[0].contains(about),
            "{lines:?}"
        );
        assert!(
            lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("hint: "),
            "{lines:?}"
        );
    }
}

#[test]
fn a_server_prints_what_to_paste_and_drains_at_the_first_signal() {
    let dir = tempfile::tempdir().unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = Server::start(dir.path(), &[]);
        assert_eq!(server.line(), "");
        let export = server.line();
        let kubeconfig = Path::new(export.strip_prefix("  export KUBECONFIG=").unwrap());
        assert_eq!(kubeconfig.metadata().unwrap().mode() & 0o7777, 0o600);
        assert_eq!(server.line(), "  kubectl get leases -A");

        server.signal(signal);
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_second_server_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[]);
    let certificate = std::fs::read(dir.path().join("pki/serving.crt")).unwrap();

    let mut second = leasehold(&["serve", "--listen", "127.0.0.1:0", "--tls-san", "other.example"]);
    second.env("LEASEHOLD_DATA_DIR", dir.path());
    let second = ended(second);
    let (exit, lines) = complaint(&second);
    assert_eq!(exit, Some(3), "{lines:?}");
    assert!(
        lines[0].ends_with(&format!("is in use by another server (process {})", server.child.id())),
        "{lines:?}"
    );
    assert_eq!(std::fs::read(dir.path().join("pki/serving.crt")).unwrap(), certificate);
}

#[test]
fn a_busy_port_is_refused_and_leaves_no_certificate_behind() {
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let (exit, lines) = complaint(&output(&[
        "serve",
        "--log-level",
        "off",
        "--data-dir",
        data,
        "--listen",
        &address,
    ]));
    assert_eq!(exit, Some(5), "{lines:?}");
    assert!(lines[0].contains(&address), "{lines:?}");
    assert!(!dir.path().join("pki").exists());
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    std::fs::write(&config, "listen = '127.0.0.1:0'\ninsecure-http = '192.0.2.1:1'\n").unwrap();
    let refused = |flag: &[&str], variable: Option<&str>| {
        let mut command = leasehold(&["serve"]);
        command
            .args(flag)
            .env("LEASEHOLD_CONFIG", &config)
            .env("LEASEHOLD_DATA_DIR", dir.path().join("d"));
        if let Some(value) = variable {
            command.env("LEASEHOLD_INSECURE_HTTP", value);
        }
        complaint(&ended(command)).1.remove(0)
    };
    assert!(refused(&[], None).contains("192.0.2.1:1"));
    assert!(refused(&[], Some("192.0.2.2:2")).contains("192.0.2.2:2"));
    assert!(refused(&["--insecure-http", "192.0.2.3:3"], Some("192.0.2.2:2")).contains("192.0.2.3:3"));
}

#[test]
fn credentials_are_printed_beside_a_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let empty = output(&["kubeconfig", "--data-dir", data, "--node", "a"]);
    assert_eq!(complaint(&empty).0, Some(3));

    let _server = Server::start(dir.path(), &[]);
    let printed = output(&[
        "kubeconfig",
        "--data-dir",
        data,
        "--user",
        "ada",
        "--group",
        "a",
        "--group",
        "b",
    ]);
    assert!(printed.status.success() && printed.stderr.is_empty(), "{printed:?}");
    let value: serde_json::Value = serde_saphyr::from_slice(&printed.stdout).unwrap();
    assert_eq!(value["current-context"], "ada@leasehold");
    let admin = std::fs::read(dir.path().join("admin.kubeconfig")).unwrap();
    let admin: serde_json::Value = serde_saphyr::from_slice(&admin).unwrap();
    assert_eq!(value["clusters"], admin["clusters"]);
}

#[test]
fn no_private_key_reaches_the_log_at_any_level() {
    let dir = tempfile::tempdir().unwrap();
    for format in ["human", "json"] {
        let child = leasehold(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "trace",
            "--log-format",
            format,
        ])
        .env("LEASEHOLD_DATA_DIR", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
        let mut child = child;
        let mut log = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        while !log.contains("listening") {
            log += &lines.next().expect("the server goes on").unwrap();
        }
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        log.extend(lines.map(Result::unwrap));
        assert!(child.wait().unwrap().success());
        for name in ["ca", "serving", "admin"] {
            let key = std::fs::read_to_string(dir.path().join(format!("pki/{name}.key"))).unwrap();
            for line in key.lines() {
                assert!(!log.contains(line), "{name} in the {format} log");
            }
        }
    }
}

#[test]
fn help_and_version_are_data() {
    for (arguments, text) in [
        (&["--help"][..], "kubeconfig"),
        (&["version"], "leasehold 0."),
        (&["-V"], "leasehold 0."),
    ] {
        let printed = output(arguments);
        assert!(printed.status.success() && printed.stderr.is_empty(), "{printed:?}");
        assert!(String::from_utf8(printed.stdout).unwrap().contains(text));
    }
}

#[test]
fn a_request_that_outlasts_the_drain_is_cut_and_the_store_still_closed() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens.csv");
    std::fs::write(&tokens, "secret,ada,1,system:masters\n").unwrap();
    let more = ["--insecure-http", "127.0.0.1:0", "--drain-timeout", "0s"];
    let mut server = Server::start(
        &dir.path().join("data"),
        &[&more[..], &["--token-file", tokens.to_str().unwrap()]].concat(),
    );
    let mut stream = std::net::TcpStream::connect(&server.insecure).unwrap();
    let path = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n");
    // Asked to go on, it has let the request in, and waits for a body that never comes.
    stream
        .write_all(format!("{head}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");

    server.signal(Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
