//! The corpus of every fuzz target, and mutations of it: what a fuzzer would do in its first second, without one.

#![allow(clippy::print_stderr)] // what a test harness captures unless it fails, or is told not to

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use leasehold_fuzz_targets::{TARGETS, Target};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, json};

/// Mutations of each target.
const MUTATIONS: usize = 5000;
/// The port takes so many times fewer, since each is a connection.
const HTTP_COSTS: usize = 20;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let directory = directory().join("corpus").join(target.name);
    let read = |name: &String| std::fs::read(directory.join(name)).unwrap();
    names(&directory).iter().map(read).collect()
}

/// Runs a target; a panic tells the input that did it.
fn run(target: &Target, data: &[u8], seed: u64) {
    if catch_unwind(|| (target.run)(data)).is_err() {
        panic!("{} panics (seed {seed}) on b\"{}\"", target.name, data.escape_ascii());
    }
}

#[test]
fn every_target_takes_its_corpus_and_mutations_of_it() {
    // For one target only, LEASEHOLD_TARGET names it.
    let only = std::env::var("LEASEHOLD_TARGET").ok();
    let seed = leasehold_figures::size("LEASEHOLD_SEED", rand::random_range(0..1 << 32)) as u64;
    let wanted = leasehold_figures::size("LEASEHOLD_MUTATIONS", MUTATIONS);
    let mut figures = Map::new();
    for target in TARGETS
        .iter()
        .filter(|target| only.as_ref().is_none_or(|only| only == target.name))
    {
        let mut random = StdRng::seed_from_u64(seed);
        let corpus = corpus(target);
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        corpus.iter().for_each(|data| run(target, data, seed));
        let count = if target.name == "http" {
            wanted / HTTP_COSTS
        } else {
            wanted
        };
        for _ in 0..count {
            run(target, &mutate(&corpus, &mut random), seed);
        }
        figures.insert(target.name.to_owned(), json!(corpus.len() + count));
        eprintln!("{}: {} of the corpus, {count} mutations", target.name, corpus.len());
    }
    leasehold_figures::record("fuzzSmoke", &figures).unwrap();
}

/// One to eight changes of some input.
fn mutate(corpus: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut data = corpus.choose(random).unwrap().clone();
    for _ in 0..random.random_range(1..=8) {
        change(&mut data, corpus, random);
    }
    data
}

fn change(data: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=data.len());
    let to = random.random_range(at..=data.len().min(at + 40));
    match random.random_range(0..6) {
        0 => drop(data.drain(at..to)),
        1 => data.insert(at, random.random()),
        2 => {
            let copied = data[at..to].to_vec();
            data.splice(at..at, copied);
        }
        3 => {
            let other = corpus.choose(random).unwrap();
            let from = random.random_range(0..=other.len());
            data.truncate(at);
            data.extend(&other[from..]);
        }
        4 => {
            let odd: &[u8] = [
                "0",
                "-1",
                "18446744073709551616",
                "\"",
                "{",
                "\\u0000",
                "\u{fffd}",
                "\n",
            ]
            .choose(random)
            .unwrap()
            .as_bytes();
            data.splice(at..to, odd.iter().copied());
        }
        _ => {
            if let Some(byte) = data.get_mut(at) {
                *byte ^= 1 << random.random_range(0..8);
            }
        }
    }
}

#[test]
fn there_is_a_binary_and_a_corpus_for_each_target_and_none_besides() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let binaries = names(&directory().join("fuzz_targets"));
    let stems: BTreeSet<String> = binaries.iter().map(|name| name.replace(".rs", "")).collect();
    assert_eq!(stems, targets);
    assert_eq!(names(&directory().join("corpus")), targets);
    let manifest = std::fs::read_to_string(directory().join("Cargo.toml")).unwrap();
    for name in targets {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is not in the manifest"
        );
    }
}
