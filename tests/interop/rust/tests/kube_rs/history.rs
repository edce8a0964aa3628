//! [`History`]: the changes of each name in their order, as done by writers or as told by a watch.

use std::collections::BTreeMap;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt};
use libtest_mimic::Failed;
use tokio::task::JoinSet;

use crate::cluster::{create, lease};

const WRITERS: usize = 6;
const WRITES_EACH: usize = 60;
const NAMES_EACH: usize = 4;
/// How many changes [`write`] makes.
pub(crate) const WRITES: usize = WRITERS * WRITES_EACH;

/// One write, or one event about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Created or changed, to this version.
    Applied(String),
    Deleted,
}

/// By name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct History(BTreeMap<String, Vec<Change>>);

impl History {
    pub(crate) fn applied(&mut self, lease: &Lease) {
        self.add(
            lease.name_any(),
            Change::Applied(lease.resource_version().unwrap_or_default()),
        );
    }

    pub(crate) fn add(&mut self, name: String, change: Change) {
        self.0.entry(name).or_default().push(change);
    }

    /// How many changes there are.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

/// Creates, replaces and deletes at random, in several tasks. Every name has one writer, so the order of its changes is
/// known.
pub(crate) async fn write(leases: &Api<Lease>) -> Result<History, Failed> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write_some(leases.clone(), writer));
    }
    let mut all = History::default();
    while let Some(done) = writers.join_next().await {
        all.0.append(&mut done??.0);
    }
    assert_eq!(all.len(), WRITES);
    Ok(all)
}

async fn write_some(leases: Api<Lease>, writer: usize) -> kube::Result<History> {
    let mut done = History::default();
    let mut current: BTreeMap<String, Lease> = BTreeMap::new();
    for number in 0..WRITES_EACH {
        let name = format!("w{writer}-{}", rand::random_range(0..NAMES_EACH));
        match current.remove(&name) {
            Some(_) if rand::random_range(0..4) == 0 => {
                leases.delete(&name, &DeleteParams::default()).await?;
                done.add(name, Change::Deleted);
            }
            Some(mut was) => {
                was.spec.get_or_insert_default().holder_identity = Some(format!("holder-{number}"));
                let replaced = leases.replace(&name, &PostParams::default(), &was).await?;
                done.applied(&replaced);
                current.insert(name, replaced);
            }
            None => {
                let made = create(&leases, &lease(&name, "one")).await?;
                done.applied(&made);
                current.insert(name, made);
            }
        }
    }
    Ok(done)
}
