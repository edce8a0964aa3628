//! The flags of `migrate`, and what they mean.

use std::path::PathBuf;

use clap::Args;
use leasehold_registry::Scope;

use super::args::ServeOnly;
use super::etcd::{EtcdArgs, EtcdSettings};
use crate::failure::{Failure, Kind};

/// How many of etcd's revisions are burnt before a better way is asked for: a minute or two.
const BURN_AT_MOST: u64 = 1_000_000;
/// What begins the short form of an etcd's address.
const SHORT: &str = "etcd://";

/// The flags of `migrate`.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Data directory of a stopped server, or etcd: https://HOST:PORT,… as for `serve --etcd`, or etcd://HOST:PORT,… for
    /// short
    #[arg(long, env = "LEASEHOLD_MIGRATE_FROM", value_name = "DIR|URL")]
    from: String,

    /// The same, for where to: one of both is a directory and the other an etcd
    #[arg(long, env = "LEASEHOLD_MIGRATE_TO", value_name = "DIR|URL")]
    to: String,

    /// Copy only this: `coordination` is leases and lease candidates [default: everything]
    #[arg(long, env = "LEASEHOLD_MIGRATE_ONLY", value_name = "WHAT")]
    only: Option<ServeOnly>,

    /// How many revisions of etcd may be used up to raise it above the directory's
    #[arg(
        long,
        env = "LEASEHOLD_MIGRATE_BURN_AT_MOST",
        value_name = "NUMBER",
        default_value_t = BURN_AT_MOST
    )]
    burn_at_most: u64,

    #[command(flatten)]
    etcd: EtcdArgs,
}

/// Objects to copy from one engine to the other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Migrate {
    /// The directory's side.
    pub(crate) data_dir: PathBuf,
    /// The other side.
    pub(crate) etcd: EtcdSettings,
    /// Which way.
    pub(crate) direction: Direction,
    /// What is copied.
    pub(crate) scope: Scope,
    /// Bound on the revisions that are used up in etcd.
    pub(crate) burn_at_most: u64,
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the directory to etcd.
    ToEtcd,
    /// From etcd to the directory.
    ToDirectory,
}

impl Migrate {
    /// Checks what the flags mean together.
    pub(crate) fn new(given: MigrateArgs) -> Result<Self, Failure> {
        let (data_dir, urls, direction) = match (given.from.contains("://"), given.to.contains("://")) {
            (false, true) => (given.from, given.to, Direction::ToEtcd),
            (true, false) => (given.to, given.from, Direction::ToDirectory),
            (false, false) => {
                return Err(usage("neither --from nor --to is an etcd")
                    .hint("write etcd://HOST:PORT; from one directory to another, use 'backup' and 'restore'"));
            }
            (true, true) => {
                return Err(
                    usage("both --from and --to are an etcd: one of them must be a directory")
                        .hint("from one etcd to another, use its own snapshots"),
                );
            }
        };
        Ok(Self {
            data_dir: data_dir.into(),
            etcd: EtcdSettings::new(endpoints(&urls, given.etcd.any_tls()), given.etcd)?,
            direction,
            scope: given.only.map_or(Scope::Everything, ServeOnly::scope),
            burn_at_most: given.burn_at_most,
        })
    }
}

/// The endpoints; the short form is TLS where there are certificates for it.
fn endpoints(urls: &str, has_tls: bool) -> Vec<String> {
    let scheme = if has_tls { "https" } else { "http" };
    match urls.strip_prefix(SHORT) {
        Some(hosts) => hosts.split(',').map(|host| format!("{scheme}://{host}")).collect(),
        None => urls.split(',').map(str::to_owned).collect(),
    }
}

fn usage(message: &str) -> Failure {
    Failure::new(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::args::{Command, TopArgs};
    use super::*;

    fn migrate(flags: &[&str]) -> Result<Migrate, Failure> {
        let typed = TopArgs::try_parse_from(["leasehold", "migrate"].iter().chain(flags)).unwrap();
        match typed.command {
            Command::Migrate(flags) => Migrate::new(*flags),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_side_is_a_directory_and_the_other_an_etcd() {
        let there = migrate(&["--from", "d", "--to", "etcd://a:1,b:2"]).unwrap();
        assert_eq!((there.direction, there.data_dir), (Direction::ToEtcd, "d".into()));
        assert_eq!(there.etcd.endpoints, ["http://a:1", "http://b:2"]);
        assert_eq!((there.scope, there.burn_at_most), (Scope::Everything, 1_000_000));
        let back = migrate(&[
            "--from",
            "https://a:1,https://b:2",
            "--to",
            "d",
            "--only",
            "coordination",
        ])
        .unwrap();
        assert_eq!(
            (back.direction, back.scope),
            (Direction::ToDirectory, Scope::Coordination)
        );
        let secure = migrate(&["--from", "d", "--to", "etcd://a:1", "--etcd-ca", "ca"]).unwrap();
        assert_eq!(secure.etcd.endpoints, ["https://a:1"]);
        for (from, to) in [
            ("d", "e"),
            ("etcd://a:1", "etcd://b:1"),
            ("d", "etcd://"),
            ("d", "ftp://a:1"),
        ] {
            assert!(migrate(&["--from", from, "--to", to]).is_err(), "{from} {to}");
        }
    }
}
