//! `cargo xtask chaos`: servers over one etcd, all of them hurt under load.

use super::{build, etcd};
use crate::command::cargo;
use crate::runner::Outcome;

/// Runs the harness; its own arguments come as they were typed.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Err(why) = etcd::current() {
        return Outcome::Skipped(why);
    }
    build().and(|| {
        let mut all = vec!["run", "--locked", "--quiet", "--package", "leasehold-chaos", "--"];
        all.extend(arguments.iter().map(String::as_str));
        cargo(&all)
    })
}
