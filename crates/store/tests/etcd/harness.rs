//! Clusters that tests share one after another, stores over them, and somebody else who writes there.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use leasehold_clock::SystemClock;
use leasehold_etcd::{Client, Compare, Op, RangeRequest, Txn};
use leasehold_store::etcd::{Etcd, Options};
use leasehold_store::{Change, ChangeKind, Key, Range, Revision, Store, Watch};
use leasehold_test_etcd::{Cluster, Setup, Version};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Far above what anything here takes.
pub(crate) const BOUND: Duration = Duration::from_secs(60);
pub(crate) const LEASES: Range = Range::Resource("leases");

/// A cluster that several tests use, one at a time: revisions are the cluster's, and some tests say what they must be.
pub(crate) struct Lent {
    turn: Arc<Mutex<()>>,
    options: leasehold_etcd::Options,
    _cluster: Cluster,
}

/// A version, and how many members.
type Kind = (Version, usize);

/// The clusters that somebody uses or waits for; one that nobody does is gone.
static CLUSTERS: Mutex<Vec<(Kind, Weak<Lent>)>> = Mutex::const_new(Vec::new());

async fn cluster(version: Version, members: usize) -> Arc<Lent> {
    let mut clusters = CLUSTERS.lock().await;
    let kind: Kind = (version, members);
    clusters.retain(|(_, lent)| lent.strong_count() > 0);
    let known = clusters.iter().find(|(known, _)| *known == kind);
    if let Some(lent) = known.and_then(|(_, lent)| lent.upgrade()) {
        return lent;
    }
    let started = Cluster::start(Setup::new(version).members(members)).await;
    let started = started.expect("a cluster");
    let lent = Arc::new(Lent {
        turn: Arc::default(),
        options: started.options(),
        _cluster: started,
    });
    clusters.push((kind, Arc::downgrade(&lent)));
    lent
}

/// A prefix of its own in a cluster that is nobody else's meanwhile.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) prefix: String,
    etcd: leasehold_etcd::Options,
    _turn: OwnedMutexGuard<()>,
    _lent: Arc<Lent>,
}

impl World {
    /// In one member of the newest etcd.
    pub(crate) async fn new() -> Self {
        Self::of(Version::newest(), 1).await
    }

    pub(crate) async fn of(version: Version, members: usize) -> Self {
        static ISSUED: AtomicUsize = AtomicUsize::new(0);
        let lent = cluster(version, members).await;
        let turn = Arc::clone(&lent.turn).lock_owned().await;
        Self {
            client: Client::new(lent.options.clone()).expect("a client"),
            prefix: format!("/t{}", ISSUED.fetch_add(1, Ordering::Relaxed)),
            etcd: lent.options.clone(),
            _turn: turn,
            _lent: lent,
        }
    }

    /// The settings of a store here, which never compacts.
    pub(crate) fn options(&self) -> Options {
        let resources = vec!["leases", "leasecandidates", "namespaces", "nodes"];
        let mut options = Options::new(self.etcd.clone(), resources);
        options.prefix.clone_from(&self.prefix);
        options.compaction_interval = Duration::ZERO;
        options
    }

    /// One of any number of stores.
    pub(crate) async fn replica(&self) -> Etcd {
        open(self.options()).await
    }

    /// Where a key is.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.prefix)
    }

    /// Somebody else puts a value.
    pub(crate) async fn put(&self, rest: &str, value: &str) -> Revision {
        self.txn(vec![Op::put(self.path(rest), value.to_owned())]).await
    }

    /// Somebody else deletes a key.
    pub(crate) async fn delete(&self, rest: &str) -> Revision {
        self.txn(vec![Op::delete(self.path(rest))]).await
    }

    /// Somebody else does several things at one revision.
    pub(crate) async fn txn(&self, success: Vec<Op>) -> Revision {
        let txn = Txn {
            compare: Vec::<Compare>::new(),
            success,
            failure: Vec::new(),
        };
        revision(self.client.txn(txn).await.expect("etcd serves").revision)
    }

    /// What etcd holds at a key: bytes and revision.
    pub(crate) async fn raw(&self, rest: &str) -> Option<(Bytes, Revision)> {
        let reply = self
            .client
            .range(RangeRequest::key(self.path(rest)))
            .await
            .expect("etcd serves");
        let kv = reply.kvs.into_iter().next()?;
        Some((kv.value, revision(kv.mod_revision)))
    }
}

pub(crate) async fn open(options: Options) -> Etcd {
    Etcd::open(options, Arc::new(SystemClock)).await.expect("etcd serves")
}

pub(crate) fn revision(number: i64) -> Revision {
    Revision(number.try_into().expect("never below 0"))
}

pub(crate) fn key(resource: &'static str, namespace: &str, name: &str) -> Key {
    Key {
        resource,
        namespace: namespace.into(),
        name: name.into(),
    }
}

pub(crate) fn lease(name: &str) -> Key {
    key("leases", "default", name)
}

pub(crate) fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A store in a world of its own.
pub(crate) struct Alone {
    pub(crate) store: Etcd,
    _world: World,
}

impl Deref for Alone {
    type Target = Etcd;

    fn deref(&self) -> &Etcd {
        &self.store
    }
}

pub(crate) async fn alone(version: Version, members: usize) -> Alone {
    let world = World::of(version, members).await;
    let store = world.replica().await;
    Alone { store, _world: world }
}

pub(crate) async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(BOUND, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("waited too long for {what}"),
    }
}

/// Waits until a value is as it shall be.
pub(crate) async fn until<T: std::fmt::Debug>(
    what: &str,
    mut look: impl AsyncFnMut() -> T,
    wanted: impl Fn(&T) -> bool,
) -> T {
    let mut last = look().await;
    let looking = async {
        while !wanted(&last) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            last = look().await;
        }
    };
    let ended = tokio::time::timeout(BOUND, looking).await;
    assert!(ended.is_ok(), "waited too long for {what}; it is {last:?}");
    last
}

/// The next `count` changes of a watch.
pub(crate) async fn changes(watch: &mut dyn Watch, count: usize) -> Vec<Arc<Change>> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let batch = bounded("a change", watch.next()).await.expect("the watch goes on");
        seen.extend(batch.changes);
    }
    assert_eq!(seen.len(), count, "more changes than there were: {seen:?}");
    seen
}

/// Revision, name, value and the revision of what was there before.
pub(crate) type Brief = (u64, String, Option<Bytes>, Option<u64>);

pub(crate) fn brief(change: &Arc<Change>) -> Brief {
    let value = match &change.kind {
        ChangeKind::Put(value) => Some(value.clone()),
        ChangeKind::Delete => None,
    };
    let previous = change.previous.as_ref().map(|(_, revision)| revision.0);
    (change.revision.0, change.key.name.to_string(), value, previous)
}

pub(crate) async fn read(store: &Etcd, key: &Key) -> Option<(Bytes, Revision)> {
    let entry = bounded("a read", store.get(key)).await.expect("reads go on");
    entry.map(|entry| (entry.value, entry.revision))
}
