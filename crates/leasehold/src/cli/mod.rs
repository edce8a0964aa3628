//! From what was typed to what it means.
//!
//! [`args`] is what was typed: flags, environment and the TOML file fill the same struct. [`settings`] is what it
//! means: validated plain data, with every default applied. Nothing behind this module reads a flag or the
//! environment.

mod args;
mod bench;
mod bench_args;
mod controllers;
mod demo;
mod duration;
mod elect;
mod etcd;
mod file;
mod heartbeat;
mod hidden;
mod limits;
mod migrate;
mod parse;
mod settings;
mod status;
mod timers;
mod upkeep;

pub(crate) use args::LogFormat;
pub(crate) use bench::{Bench, Server, Work};
pub(crate) use demo::DemoArgs;
pub(crate) use elect::{After, Elect, KubeAccess};
pub(crate) use etcd::EtcdSettings;
pub(crate) use heartbeat::HeartbeatSettings;
pub(crate) use migrate::{Direction, Migrate};
pub(crate) use parse::{Request, request};
#[cfg(test)]
pub(crate) use settings::Identity;
pub(crate) use settings::{Credentials, EngineSettings, LogSettings, ServingCertificate, Settings};
pub(crate) use status::StatusWish;
pub(crate) use timers::JudgeTimers;
pub(crate) use upkeep::{Backup, Check, Form, Restore};
