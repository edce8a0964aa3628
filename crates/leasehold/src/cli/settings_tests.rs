use clap::Parser;
use leasehold_registry::Feature;

use super::super::args::{Command, TopArgs};
use super::*;

fn user() -> Surroundings {
    Surroundings {
        home: Some("/home/ada".into()),
        ..Surroundings::default()
    }
}

fn serve(flags: &[&str]) -> ServeArgs {
    let typed = TopArgs::try_parse_from(["leasehold", "serve"].iter().chain(flags)).unwrap();
    match typed.command {
        Command::Serve(flags) => *flags,
        other => panic!("{other:?}"),
    }
}

fn credentials(flags: &[&str]) -> Result<Credentials, Failure> {
    let typed = TopArgs::try_parse_from(["leasehold", "kubeconfig"].iter().chain(flags)).unwrap();
    match typed.command {
        Command::Kubeconfig(flags) => Credentials::new(flags, Some("d".into()), &user()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_flags_everything_has_its_documented_default() {
    let settings = Settings::new(ServeArgs::default(), &user()).unwrap();
    let wanted = Settings {
        data_dir: "/home/ada/.local/share/leasehold".into(),
        engine: EngineSettings::Embedded,
        listen: "127.0.0.1:6443".parse().unwrap(),
        insecure_http: None,
        certificate: ServingCertificate::Own(vec![]),
        client_ca: None,
        token_file: None,
        log: LogSettings {
            format: LogFormat::Human,
            filter: "info".into(),
        },
        drain_timeout: Duration::from_secs(25),
        history_window: Duration::from_secs(300),
        event_ttl: Duration::from_secs(3600),
        history_bytes: 64 << 20,
        limits: LimitSettings {
            net: leasehold_server::net::Limits::default(),
            requests: leasehold_server::Limits::default(),
        },
        features: Features::default(),
        scope: Scope::Everything,
        controllers: ControllerChoice::new(&[]).unwrap(),
        nodes: NodeSettings {
            period: Duration::from_secs(5),
            grace: Duration::from_secs(50),
            startup_grace: Duration::from_secs(60),
        },
        identity: IdentitySettings {
            hostname: None,
            lease_duration: Duration::from_secs(3600),
            gc_period: Duration::from_secs(3600),
        },
    };
    assert_eq!(settings, wanted);
}

#[test]
fn the_data_directory_follows_the_surroundings() {
    let given = || Some(PathBuf::from("here"));
    let root = Surroundings {
        is_root: true,
        ..user()
    };
    let xdg = Surroundings {
        xdg_data_home: Some("/x".into()),
        ..user()
    };
    for (name, given, surroundings, wanted) in [
        ("given", given(), &root, Some("here")),
        ("root", None, &root, Some("/var/lib/leasehold")),
        ("xdg", None, &xdg, Some("/x/leasehold")),
        ("home", None, &user(), Some("/home/ada/.local/share/leasehold")),
        ("nothing", None, &Surroundings::default(), None),
    ] {
        assert_eq!(data_dir(given, surroundings).ok(), wanted.map(PathBuf::from), "{name}");
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let file: ServeArgs = toml::from_str(
        "data-dir = '/file'\nlisten = '127.0.0.1:2'\ntls-san = ['file.example']\nevent-ttl = '2h'\nlog-format = 'json'",
    )
    .unwrap();
    let flags = serve(&[
        "--listen",
        "127.0.0.1:1",
        "--tls-san",
        "a.example",
        "--tls-san",
        "b.example,10.0.0.1",
    ]);
    let settings = Settings::new(flags.or(file), &user()).unwrap();

    assert_eq!(settings.listen.port(), 1, "flag over file");
    let names = ["a.example", "b.example", "10.0.0.1"]
        .map(|name| name.parse().unwrap())
        .to_vec();
    assert_eq!(
        settings.certificate,
        ServingCertificate::Own(names),
        "a list is taken whole"
    );
    assert_eq!(settings.data_dir, PathBuf::from("/file"), "file over default");
    assert_eq!(settings.event_ttl, Duration::from_secs(7200), "file over default");
    assert_eq!(settings.log.format, LogFormat::Json, "file over default");
    assert_eq!(settings.drain_timeout, Duration::from_secs(25), "default");
}

#[test]
fn an_etcd_replaces_the_embedded_store() {
    let flags = [
        "--etcd",
        "https://a:1,https://b:1",
        "--etcd-ca",
        "ca",
        "--etcd-compaction-interval",
        "0",
    ];
    let settings = Settings::new(serve(&flags), &user()).unwrap();
    let EngineSettings::Etcd {
        etcd,
        compaction_interval,
    } = settings.engine
    else {
        panic!("{:?}", settings.engine);
    };
    assert_eq!(etcd.endpoints, ["https://a:1", "https://b:1"]);
    assert_eq!((&*etcd.prefix, etcd.tls.ca), ("/registry", Some("ca".into())));
    assert_eq!(compaction_interval, None);
    let file: ServeArgs = toml::from_str("etcd = ['http://f:1']\netcd-prefix = '/p'").unwrap();
    let settings = Settings::new(serve(&[]).or(file), &user()).unwrap();
    assert!(matches!(settings.engine, EngineSettings::Etcd { etcd, .. } if etcd.prefix == "/p"));
}

#[test]
fn flags_that_do_not_fit_are_refused() {
    for (flags, about) in [
        (&["--tls-cert", "c"][..], "--tls-cert needs --tls-key"),
        (&["--tls-key", "k"], "--tls-key needs --tls-cert"),
        (&["--tls-cert", "c", "--tls-key", "k", "--tls-san", "x"], "--tls-san"),
        (&["--tls-san", "not a name"], "'not a name'"),
        (&["--etcd-ca", "ca"], "--etcd-ca needs --etcd"),
        (&["--etcd-compaction-interval", "1m"], "needs --etcd"),
        (&["--etcd", "localhost:2379"], "'localhost:2379'"),
        (&["--etcd", "http://a:1", "--etcd-ca", "ca"], "no use with http://"),
        (
            &["--etcd", "https://a:1", "--etcd-compaction-interval", "1ms"],
            "between 1s and 24h",
        ),
        (&["--insecure-http", "0.0.0.0:8080"], "loopback"),
        (&["--insecure-http", "192.0.2.1:8080"], "loopback"),
        (&["--insecure-http", "[::]:8080"], "loopback"),
        (&["--drain-timeout", "11m"], "between 0s and 10m"),
        (&["--history-window", "1s"], "between 10s and 24h"),
        (&["--event-ttl", "0s"], "between 1m and 30d"),
        (&["--controllers", "*,-scheduler"], "there is no controller 'scheduler'"),
        (&["--node-monitor-period", "0s"], "between 100ms and 1m"),
        (&["--node-monitor-grace-period", "5s"], "must be shorter than"),
        (&["--node-startup-grace-period", "4s"], "must be shorter than"),
        (&["--log-level", "a=b=c"], "--log-level"),
        (&["--feature-gates", "Made=true"], "unrecognized feature gate 'Made'"),
        (&["--identity-hostname", ""], "--identity-hostname"),
        (&["--identity-hostname", "a b"], "--identity-hostname 'a b'"),
        (&["--identity-lease-duration", "0s"], "between 1s and 7d"),
        (&["--identity-gc-period", "8d"], "between 1s and 7d"),
    ] {
        let failure = Settings::new(serve(flags), &user()).unwrap_err();
        assert!(failure.message().contains(about), "{flags:?}: {}", failure.message());
    }
}

#[test]
fn features_are_switched_by_flags_or_by_the_file() {
    let file: ServeArgs = toml::from_str("feature-gates = ['CoordinatedLeaderElection=false']").unwrap();
    let on = |given: ServeArgs| {
        let features = Settings::new(given, &user()).unwrap().features;
        [Feature::ApiServerIdentity, Feature::CoordinatedLeaderElection].map(|feature| features.enabled(feature))
    };
    assert_eq!(on(file.clone()), [true, false]);
    let flags = serve(&[
        "--feature-gates=AllBeta=false",
        "--feature-gates",
        "APIServerIdentity=true,AllAlpha=true",
    ]);
    assert_eq!(on(flags), [true, false]);
    assert_eq!(
        on(serve(&["--feature-gates=APIServerIdentity=false"]).or(file)),
        [false, true],
        "a list is taken whole"
    );
}

#[test]
fn plain_http_is_allowed_on_loopback() {
    for address in ["127.0.0.1:80", "127.8.8.8:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        let settings = Settings::new(serve(&["--insecure-http", address]), &user()).unwrap();
        assert_eq!(settings.insecure_http, address.parse().ok(), "{address}");
    }
}

#[test]
fn a_node_gets_the_identity_that_kubernetes_gives_it() {
    let wish = credentials(&["--node", "edge-1.example"]).unwrap();
    assert_eq!(wish.identity.user, "system:node:edge-1.example");
    assert_eq!(wish.identity.groups, ["system:nodes"]);
    assert_eq!(wish.expiry, Duration::from_secs(365 * 86_400));
}

#[test]
fn a_user_may_have_any_number_of_groups() {
    for flags in [
        &["--user", "ada", "--group", "a", "--group", "b"][..],
        &["--user", "ada", "--group", "a", "b"],
    ] {
        let wish = credentials(flags).unwrap();
        assert_eq!(
            wish.identity,
            Identity {
                user: "ada".into(),
                groups: vec!["a".into(), "b".into()]
            }
        );
    }
    assert_eq!(credentials(&["--user", "ada"]).unwrap().identity.groups, [""; 0]);
}

#[test]
fn credentials_for_impossible_names_are_refused() {
    for flags in [
        &["--node", "Edge"][..],
        &["--node", "a..b"],
        &["--node=-a"],
        &["--node", ""],
        &["--user", ""],
        &["--user", "a\nb"],
        &["--user", "a", "--group", ""],
        &["--user", "a", "--server", "http://x"],
        &["--user", "a", "--server", "https://"],
        &["--user", "a", "--expiry", "0s"],
        &["--user", "a", "--expiry", "11y"],
    ] {
        assert!(credentials(flags).is_err(), "{flags:?}");
    }
}
