//! Everything that reads what strangers write, as functions from bytes to nothing, or to a panic.
//!
//! `fuzz/` hands them to libFuzzer; the tests here run them over the corpus and over mutations of it. Each requires more
//! than "no panic" where there is more to require: what was read can be written and read again, a token that was changed is
//! refused, a server goes on answering.
//!
//! Where a target needs to know the resource, the first byte says which; [`RESOURCES`] has them.

mod bodies;
mod continue_tokens;
mod http_bytes;
mod patches;
mod selectors;
mod world;

pub use world::RESOURCES;

/// A function to be called with any bytes at all.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called, here and as a binary in `fuzz/`; its corpus has the same name.
    pub name: &'static str,
    /// Panics when something is wrong.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("json", bodies::json),
    target("yaml", bodies::yaml),
    target("protobuf", bodies::protobuf),
    target("json_patch", patches::json),
    target("merge_patch", patches::merge),
    target("strategic_patch", patches::strategic),
    target("apply", patches::apply),
    target("selectors", selectors::selectors),
    target("continue_token", continue_tokens::continue_token),
    target("log_record", leasehold_store::testing::fuzzing::log_record),
    target("log", leasehold_store::testing::fuzzing::log),
    target("snapshot", leasehold_store::testing::fuzzing::snapshot),
    target("http", http_bytes::http),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// Runs the target of this name.
///
/// # Panics
/// When there is none, and when the target does.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(data);
}
