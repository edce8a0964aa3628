//! What it means: validated settings, plain data with every default applied.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use leasehold_registry::{Features, Scope};

use leasehold_controllers::nodes::Settings as NodeSettings;

use super::args::{KubeconfigArgs, LogFormat, ServeArgs, ServeOnly};
use super::controllers::ControllerChoice;
use super::duration::HumanDuration;
use super::etcd::{EtcdArgs, EtcdSettings, compaction_interval};
use super::limits::LimitSettings;
use crate::failure::{Failure, Kind};
use crate::pki::Name;

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 6443);
const DEFAULT_DRAIN: Duration = Duration::from_secs(25);
const DEFAULT_HISTORY: Duration = Duration::from_mins(5);
const DEFAULT_HISTORY_BYTES: u32 = 64 << 20;
const DEFAULT_EVENT_TTL: Duration = Duration::from_hours(1);
/// Of the life of an identity Lease and of the period in which those of dead servers are looked for, as in Kubernetes.
const DEFAULT_IDENTITY: Duration = Duration::from_hours(1);
const DEFAULT_EXPIRY: Duration = Duration::from_hours(365 * 24);

/// Everything `serve` needs to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    /// Where certificates are kept, and everything else with the embedded engine; it may not exist yet.
    pub(crate) data_dir: PathBuf,
    /// Where objects are kept.
    pub(crate) engine: EngineSettings,
    /// Where HTTPS is served. Port 0 lets the system choose.
    pub(crate) listen: SocketAddr,
    /// Where plain HTTP is served as well: a loopback address.
    pub(crate) insecure_http: Option<SocketAddr>,
    /// The certificate to serve with.
    pub(crate) certificate: ServingCertificate,
    /// PEM bundle of CAs whose client certificates are trusted besides our own.
    pub(crate) client_ca: Option<PathBuf>,
    /// Bearer tokens in Kubernetes' CSV form.
    pub(crate) token_file: Option<PathBuf>,
    /// What is logged, and how.
    pub(crate) log: LogSettings,
    /// Bound on finishing what runs when the first signal arrives; 0 s to 10 min.
    pub(crate) drain_timeout: Duration,
    /// How far back a watch can reach; 10 s to 24 h.
    pub(crate) history_window: Duration,
    /// How long an Event is kept; 1 min to 30 d.
    pub(crate) event_ttl: Duration,
    /// How many bytes of changes are kept of each resource within that window; 1 MiB to 1 GiB.
    pub(crate) history_bytes: usize,
    /// How much may happen at once.
    pub(crate) limits: LimitSettings,
    /// What is switched on.
    pub(crate) features: Features,
    /// Which resources are served.
    pub(crate) scope: Scope,
    /// Which controllers run.
    pub(crate) controllers: ControllerChoice,
    /// How patient the node monitor is; the period is 100 ms to 1 min, each grace period up to 1 h and longer than it.
    pub(crate) nodes: NodeSettings,
    /// How this server says that it is there.
    pub(crate) identity: IdentitySettings,
}

/// Where objects are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineSettings {
    /// In the data directory, by this process alone.
    Embedded,
    /// In an etcd cluster that other servers may share.
    Etcd {
        etcd: EtcdSettings,
        /// How often old revisions are compacted; `None` leaves it to others. 1 s to 24 h.
        compaction_interval: Option<Duration>,
    },
}

/// How a server's identity Lease is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IdentitySettings {
    /// In place of the machine's own name.
    pub(crate) hostname: Option<String>,
    /// How long the Lease is good without being renewed; 1 s to 7 d.
    pub(crate) lease_duration: Duration,
    /// How often those of others are looked at; 1 s to 7 d.
    pub(crate) gc_period: Duration,
}

/// Where the serving certificate comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ServingCertificate {
    /// Issued by our own CA, for the usual names and these.
    Own(Vec<Name>),
    /// Chain and key from files that someone else looks after.
    Files { cert: PathBuf, key: PathBuf },
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogSettings {
    pub(crate) format: LogFormat,
    /// A level, or directives as `tracing_subscriber::EnvFilter` takes them.
    pub(crate) filter: String,
}

/// A client certificate to sign.
#[derive(Debug, PartialEq)]
pub(crate) struct Credentials {
    /// The data directory whose CA signs.
    pub(crate) data_dir: PathBuf,
    /// Whom it is for.
    pub(crate) identity: Identity,
    /// URL of the server, if not that of the admin's kubeconfig.
    pub(crate) server: Option<String>,
    /// How long it is valid; at least one minute.
    pub(crate) expiry: Duration,
}

/// A user and its groups, as a certificate carries them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: String,
    pub(crate) groups: Vec<String>,
}

/// What the defaults depend on.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) is_root: bool,
    pub(crate) home: Option<PathBuf>,
    pub(crate) xdg_data_home: Option<PathBuf>,
}

impl Settings {
    /// Applies the defaults and checks what the flags mean together.
    pub(crate) fn new(mut given: ServeArgs, surroundings: &Surroundings) -> Result<Self, Failure> {
        let limits = LimitSettings::new(&given)?;
        Ok(Self {
            engine: engine(&mut given)?,
            data_dir: data_dir(given.data_dir, surroundings)?,
            listen: given.listen.unwrap_or(DEFAULT_LISTEN),
            insecure_http: given.insecure_http.map(loopback_only).transpose()?,
            certificate: certificate(given.tls_cert, given.tls_key, &given.tls_san)?,
            client_ca: given.client_ca,
            token_file: given.token_file,
            log: LogSettings {
                format: given.log_format.unwrap_or_default(),
                filter: log_filter(given.log_level)?,
            },
            drain_timeout: within("drain-timeout", given.drain_timeout, DEFAULT_DRAIN, "0s", "10m")?,
            history_window: within("history-window", given.history_window, DEFAULT_HISTORY, "10s", "24h")?,
            event_ttl: within("event-ttl", given.event_ttl, DEFAULT_EVENT_TTL, "1m", "30d")?,
            history_bytes: history_bytes(given.history_bytes)?,
            limits,
            features: features(&given.feature_gates)?,
            scope: given.serve_only.map_or(Scope::Everything, ServeOnly::scope),
            controllers: ControllerChoice::new(&given.controllers)?,
            nodes: node_settings(
                given.node_monitor_period,
                given.node_monitor_grace_period,
                given.node_startup_grace_period,
            )?,
            identity: IdentitySettings {
                hostname: given.identity_hostname.map(host_name).transpose()?,
                lease_duration: within(
                    "identity-lease-duration",
                    given.identity_lease_duration,
                    DEFAULT_IDENTITY,
                    "1s",
                    "7d",
                )?,
                gc_period: within(
                    "identity-gc-period",
                    given.identity_gc_period,
                    DEFAULT_IDENTITY,
                    "1s",
                    "7d",
                )?,
            },
        })
    }
}

#[cfg(test)]
impl Settings {
    /// Defaults, with this data directory and a port that the system chooses.
    pub(crate) fn for_tests(data_dir: &std::path::Path) -> Self {
        let given = ServeArgs {
            data_dir: Some(data_dir.to_owned()),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            ..ServeArgs::default()
        };
        Self::new(given, &Surroundings::default()).expect("the defaults are valid")
    }
}

impl Credentials {
    /// Checks the names and applies the defaults.
    pub(crate) fn new(
        given: KubeconfigArgs,
        in_dir: Option<PathBuf>,
        surroundings: &Surroundings,
    ) -> Result<Self, Failure> {
        let identity = match (given.user, given.node) {
            (Some(user), _) => Identity {
                user: plain("user", user)?,
                groups: plain_all(given.group)?,
            },
            (None, Some(node)) => node_identity(&node)?,
            (None, None) => return Err(usage("--user or --node is needed")),
        };
        Ok(Self {
            data_dir: data_dir(in_dir, surroundings)?,
            identity,
            server: given.server.map(https_url).transpose()?,
            expiry: within("expiry", given.expiry, DEFAULT_EXPIRY, "1m", "10y")?,
        })
    }
}

impl Surroundings {
    /// Those of the running process. `XDG_DATA_HOME` counts only when absolute, as its specification demands.
    pub(crate) fn of_this_process() -> Self {
        let path_in = |variable| {
            std::env::var_os(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        Self {
            is_root: rustix::process::geteuid().is_root(),
            home: path_in("HOME"),
            xdg_data_home: path_in("XDG_DATA_HOME"),
        }
    }
}

/// The data directory given, or the default.
pub(super) fn data_dir(given: Option<PathBuf>, surroundings: &Surroundings) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    if surroundings.is_root {
        return Ok(PathBuf::from("/var/lib/leasehold"));
    }
    let share = surroundings
        .xdg_data_home
        .clone()
        .or_else(|| Some(surroundings.home.as_ref()?.join(".local/share")));
    match share {
        Some(share) => Ok(share.join("leasehold")),
        None => Err(usage("no data directory: neither HOME nor XDG_DATA_HOME is set").hint("give one with --data-dir")),
    }
}

fn engine(given: &mut ServeArgs) -> Result<EngineSettings, Failure> {
    let args = EtcdArgs {
        etcd_prefix: given.etcd_prefix.take(),
        etcd_ca: given.etcd_ca.take(),
        etcd_cert: given.etcd_cert.take(),
        etcd_key: given.etcd_key.take(),
    };
    let interval = given.etcd_compaction_interval;
    if given.etcd.is_empty() {
        let needless = args.any().or(interval.map(|_| "--etcd-compaction-interval"));
        return match needless {
            Some(flag) => {
                Err(usage(format!("{flag} needs --etcd")).hint("without it, everything is kept in --data-dir"))
            }
            None => Ok(EngineSettings::Embedded),
        };
    }
    Ok(EngineSettings::Etcd {
        etcd: EtcdSettings::new(std::mem::take(&mut given.etcd), args)?,
        compaction_interval: compaction_interval(interval)?,
    })
}

fn loopback_only(address: SocketAddr) -> Result<SocketAddr, Failure> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(address);
    }
    Err(usage(format!(
        "--insecure-http {address}: plain HTTP is served on loopback addresses only"
    ))
    .hint("use 127.0.0.1 or [::1]; other machines are served with TLS on --listen"))
}

fn certificate(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    extra_names: &[String],
) -> Result<ServingCertificate, Failure> {
    match (cert, key) {
        (None, None) => {
            let names = extra_names
                .iter()
                .map(|text| text.parse().map_err(|problem: String| usage(problem)));
            Ok(ServingCertificate::Own(names.collect::<Result<_, _>>()?))
        }
        (Some(_), Some(_)) if !extra_names.is_empty() => Err(usage(
            "--tls-san adds names to our own certificate and has no use with --tls-cert",
        )),
        (Some(cert), Some(key)) => Ok(ServingCertificate::Files { cert, key }),
        (Some(_), None) => Err(usage("--tls-cert needs --tls-key")),
        (None, Some(_)) => Err(usage("--tls-key needs --tls-cert")),
    }
}

pub(super) fn log_filter(given: Option<String>) -> Result<String, Failure> {
    let filter = given.unwrap_or_else(|| "info".to_owned());
    match tracing_subscriber::EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => Err(usage(format!("--log-level '{filter}': {error}"))
            .hint("use error, warn, info, debug, trace or off, or directives such as info,leasehold_store=debug")),
    }
}

fn history_bytes(given: Option<u32>) -> Result<usize, Failure> {
    let bytes = given.unwrap_or(DEFAULT_HISTORY_BYTES);
    if (1 << 20..=1 << 30).contains(&bytes) {
        return Ok(bytes as usize);
    }
    Err(usage("--history-bytes must be between 1048576 and 1073741824"))
}

/// The duration given, or the default, if it lies within the bounds.
pub(super) fn within(
    flag: &str,
    given: Option<HumanDuration>,
    default: Duration,
    low: &str,
    high: &str,
) -> Result<Duration, Failure> {
    let bound = |text: &str| text.parse::<HumanDuration>().map(|bound| bound.0).map_err(usage);
    let value = given.map_or(default, |duration| duration.0);
    if (bound(low)?..=bound(high)?).contains(&value) {
        return Ok(value);
    }
    Err(usage(format!("--{flag} must be between {low} and {high}")))
}

/// A name that a certificate may carry: not empty, no control characters.
pub(super) fn plain(what: &str, name: String) -> Result<String, Failure> {
    if name.is_empty() || name.contains(char::is_control) {
        return Err(usage(format!("--{what} '{name}' is empty or has control characters")));
    }
    Ok(name)
}

fn plain_all(groups: Vec<String>) -> Result<Vec<String>, Failure> {
    groups.into_iter().map(|group| plain("group", group)).collect()
}

/// A node's identity as Kubernetes' node authorizer expects it. The name must be a DNS subdomain (RFC 1123).
fn node_identity(name: &str) -> Result<Identity, Failure> {
    let label_is_good = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if name.len() > 253 || !name.split('.').all(label_is_good) {
        return Err(usage(format!(
            "--node '{name}' is not a node name: lower case letters, digits, '-' and '.' only"
        )));
    }
    Ok(Identity {
        user: format!("system:node:{name}"),
        groups: vec!["system:nodes".to_owned()],
    })
}

fn node_settings(
    period: Option<HumanDuration>,
    grace: Option<HumanDuration>,
    startup_grace: Option<HumanDuration>,
) -> Result<NodeSettings, Failure> {
    let usual = NodeSettings::default();
    let settings = NodeSettings {
        period: within("node-monitor-period", period, usual.period, "100ms", "1m")?,
        grace: within("node-monitor-grace-period", grace, usual.grace, "1s", "1h")?,
        startup_grace: within(
            "node-startup-grace-period",
            startup_grace,
            usual.startup_grace,
            "1s",
            "1h",
        )?,
    };
    if settings.grace <= settings.period || settings.startup_grace <= settings.period {
        return Err(usage(
            "--node-monitor-period must be shorter than --node-monitor-grace-period and --node-startup-grace-period",
        ));
    }
    Ok(settings)
}

fn features(given: &[String]) -> Result<Features, Failure> {
    Features::parse(given.iter().map(String::as_str)).map_err(|why| usage(format!("--feature-gates: {why}")))
}

/// What can be the value of a label, since it becomes one.
fn host_name(name: String) -> Result<String, Failure> {
    match leasehold_api::validation::label_value(&name).as_slice() {
        [] if !name.is_empty() => Ok(name),
        [] => Err(usage("--identity-hostname is empty")),
        [why, ..] => Err(usage(format!("--identity-hostname '{name}': {why}"))),
    }
}

fn https_url(url: String) -> Result<String, Failure> {
    // A client certificate is never sent over plain HTTP, so any other scheme would give a file that cannot work.
    if url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) && !url.contains(char::is_whitespace) {
        return Ok(url);
    }
    Err(usage(format!("--server '{url}' is not an https:// URL")))
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, message)
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
