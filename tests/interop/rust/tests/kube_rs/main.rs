//! kube-rs against the `leasehold` program: every test by its name, in a namespace of its own, on one server for all.
//!
//! The server is started here, unless `LEASEHOLD_INTEROP_KUBECONFIG` names the kubeconfig of another (with all rights).
//! It is not KUBECONFIG, so that nobody runs this against the cluster he works with by mistake.
//!
//! What watches and caches say is compared with what the tests themselves did.

#![allow(clippy::print_stderr)] // a test harness reports to people

mod cluster;
mod crud;
mod dynamic;
mod errors;
mod events;
mod history;
mod lists;
mod patches;
mod watching;

use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;

use leasehold_conformance::{Error, TestServer};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Handle, Runtime};

use crate::cluster::Cluster;

/// How a test ends.
type Outcome = Result<(), Failed>;
type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
type Test = fn(&Cluster) -> Running<'_>;

/// The tests, each called as its function.
macro_rules! tests {
    ($($module:ident::$test:ident,)*) => {
        [$((concat!(stringify!($module), "::", stringify!($test)), |cluster| Box::pin($module::$test(cluster))),)*]
    };
}

const TESTS: [(&str, Test); 16] = tests![
    crud::create_read_replace_delete,
    crud::entry_creates_and_modifies,
    crud::dry_run_writes_nothing,
    dynamic::discovery_finds_the_same_both_ways,
    dynamic::what_discovery_lists_can_be_listed,
    dynamic::objects_without_a_type,
    dynamic::metadata_alone,
    errors::refusals_are_what_they_are,
    errors::anonymous_is_forbidden,
    events::recorder_posts_and_counts,
    lists::pages_are_of_one_moment,
    lists::selectors,
    patches::four_kinds,
    patches::apply_conflicts,
    watching::watchers_tell_what_was_done,
    watching::reflector_equals_a_list,
];

fn main() -> ExitCode {
    run(&Arguments::from_args()).unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn run(args: &Arguments) -> Result<ExitCode, Error> {
    let runtime = Runtime::new()?;
    if args.list {
        return Ok(libtest_mimic::run(args, trials(runtime.handle(), Path::new(""))).exit_code());
    }
    let (kubeconfig, server) = match std::env::var_os("LEASEHOLD_INTEROP_KUBECONFIG") {
        Some(path) => (path.into(), None),
        None => {
            let server = runtime.block_on(TestServer::start(&[]))?;
            (server.data_dir().join("admin.kubeconfig"), Some(server))
        }
    };
    let conclusion = libtest_mimic::run(args, trials(runtime.handle(), &kubeconfig));
    if let Some(server) = server.filter(|_| conclusion.has_failed()) {
        eprintln!("stderr of the server:\n{}", server.stderr());
    }
    Ok(conclusion.exit_code())
}

fn trials(runtime: &Handle, kubeconfig: &Path) -> Vec<Trial> {
    let trial = |(name, test): (&str, Test)| {
        let (runtime, kubeconfig) = (runtime.clone(), kubeconfig.to_owned());
        Trial::test(name, move || {
            runtime.block_on(async {
                let cluster = Cluster::connect(&kubeconfig).await?;
                let outcome = test(&cluster).await;
                cluster.leave().await.and(outcome)
            })
        })
    };
    TESTS.map(trial).into()
}
