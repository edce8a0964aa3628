//! Leases in memory, with faults on demand: for tests of programs that use this crate, and of the crate itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use leasehold_api::coordination::Lease;
use tokio::sync::{mpsc, watch};

use crate::{ApiFailure, LeaseApi, LeaseEvent, LeaseEvents};

/// A server of leases. Clones are the same server; each [`FakeLeases::client`] has faults of its own.
#[derive(Clone, Debug, Default)]
pub struct FakeLeases {
    server: Arc<Mutex<Server>>,
}

#[derive(Debug, Default)]
struct Server {
    leases: BTreeMap<(String, String), Lease>,
    version: u64,
    watchers: Vec<Watcher>,
}

#[derive(Debug)]
struct Watcher {
    namespace: String,
    name: Option<String>,
    /// Unbounded, since a test's events are few.
    events: mpsc::UnboundedSender<LeaseEvent>,
}

/// One client's way to the server.
#[derive(Clone, Debug)]
pub struct FakeClient {
    server: FakeLeases,
    link: Arc<watch::Sender<Link>>,
    requests: Arc<Mutex<Vec<&'static str>>>,
}

/// How a client's requests fare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// They are done and answered.
    #[default]
    Up,
    /// They fail at once, not done; watches break off.
    Down,
    /// They hang, not done; watches are silent.
    Hanging,
    /// Writes are done, and their answers lost. Reads and watches work.
    Deaf,
    /// Watches are not allowed; everything else is.
    NoWatch,
    /// Nothing is allowed.
    Forbidden,
}

impl FakeLeases {
    /// A server without leases.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another way to this server.
    #[must_use]
    pub fn client(&self) -> FakeClient {
        FakeClient {
            server: self.clone(),
            link: Arc::default(),
            requests: Arc::default(),
        }
    }

    /// The lease now.
    #[must_use]
    pub fn lease(&self, namespace: &str, name: &str) -> Option<Lease> {
        let key = (namespace.to_owned(), name.to_owned());
        self.server().leases.get(&key).cloned()
    }

    /// Puts a lease there whatever was there, as somebody else might; it gets a new resourceVersion.
    pub fn put(&self, lease: Lease) {
        self.server().store(lease);
    }

    /// Deletes a lease, if there is one.
    pub fn delete(&self, namespace: &str, name: &str) {
        let mut server = self.server();
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(mut lease) = server.leases.remove(&key) {
            server.version += 1;
            lease.metadata.resource_version = server.version.to_string();
            server.tell(&LeaseEvent::Deleted(lease.clone()), &lease);
        }
    }

    /// Goes on from another resourceVersion, as a server does that was restored.
    pub fn set_version(&self, version: u64) {
        self.server().version = version;
    }

    /// Ends all watches.
    pub fn end_watches(&self) {
        self.server().watchers.clear();
    }

    /// The watches that are open: the namespace and name of each.
    #[must_use]
    pub fn watches(&self) -> Vec<(String, Option<String>)> {
        let mut server = self.server();
        server.watchers.retain(|watcher| !watcher.events.is_closed());
        let watchers = server.watchers.iter();
        watchers
            .map(|watcher| (watcher.namespace.clone(), watcher.name.clone()))
            .collect()
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    fn store(&mut self, mut lease: Lease) -> Lease {
        self.version += 1;
        lease.metadata.resource_version = self.version.to_string();
        if lease.metadata.uid.is_empty() {
            lease.metadata.uid = format!("uid-{}", self.version);
        }
        let key = (lease.metadata.namespace.clone(), lease.metadata.name.clone());
        self.leases.insert(key, lease.clone());
        self.tell(&LeaseEvent::Applied(lease.clone()), &lease);
        lease
    }

    fn create(&mut self, lease: Lease) -> Result<Lease, ApiFailure> {
        let key = (lease.metadata.namespace.clone(), lease.metadata.name.clone());
        if self.leases.contains_key(&key) {
            return Err(ApiFailure::Conflict("the lease exists".to_owned()));
        }
        Ok(self.store(lease))
    }

    fn update(&mut self, lease: Lease) -> Result<Lease, ApiFailure> {
        let key = (lease.metadata.namespace.clone(), lease.metadata.name.clone());
        let current = self.leases.get(&key);
        let fits = |current: &&Lease| current.metadata.resource_version == lease.metadata.resource_version;
        match current.filter(fits) {
            // A write that changes nothing keeps the resourceVersion and tells nobody.
            Some(current) if *current == lease => Ok(lease),
            Some(_) => Ok(self.store(lease)),
            None => Err(ApiFailure::Conflict("the lease was changed or is gone".to_owned())),
        }
    }

    fn tell(&mut self, event: &LeaseEvent, lease: &Lease) {
        self.watchers.retain(|watcher| {
            let wanted = watcher.namespace == lease.metadata.namespace
                && watcher.name.as_ref().is_none_or(|name| *name == lease.metadata.name);
            !wanted || watcher.events.send(event.clone()).is_ok()
        });
    }

    fn watch(&mut self, namespace: &str, name: Option<&str>) -> mpsc::UnboundedReceiver<LeaseEvent> {
        let (events, receiver) = mpsc::unbounded_channel();
        let wanted = |key: &&(String, String)| key.0 == namespace && name.is_none_or(|name| key.1 == name);
        for lease in self.leases.keys().filter(wanted).filter_map(|key| self.leases.get(key)) {
            // The receiver is at hand.
            let _ = events.send(LeaseEvent::Applied(lease.clone()));
        }
        let _ = events.send(LeaseEvent::Synced);
        self.watchers.push(Watcher {
            namespace: namespace.to_owned(),
            name: name.map(ToOwned::to_owned),
            events,
        });
        receiver
    }
}

impl FakeClient {
    /// From now on requests fare like this. Those that hang go on when this changes.
    pub fn set_link(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// The verbs of the requests so far, in order; watches included.
    #[must_use]
    pub fn requests(&self) -> Vec<&'static str> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does it, as far as the link lets it.
    async fn perform<T>(
        &self,
        verb: &'static str,
        request: impl FnOnce(&mut Server) -> Result<T, ApiFailure> + Send,
    ) -> Result<T, ApiFailure> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(verb);
        let mut link = self.link.subscribe();
        // We hold the sender.
        let link = link
            .wait_for(|link| *link != Link::Hanging)
            .await
            .map(|link| link.clone())
            .unwrap_or_default();
        let unknown = || ApiFailure::Unknown("the connection broke".to_owned());
        match link {
            Link::Forbidden => return Err(ApiFailure::Forbidden(verb.to_owned())),
            Link::NoWatch if verb == "watch" => return Err(ApiFailure::Forbidden(verb.to_owned())),
            Link::Down => return Err(unknown()),
            _ => {}
        }
        let result = request(&mut self.server.server());
        let lost = link == Link::Deaf && matches!(verb, "create" | "update");
        if lost { Err(unknown()) } else { result }
    }
}

impl LeaseApi for FakeClient {
    fn get<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Lease>, ApiFailure>> {
        let key = (namespace.to_owned(), name.to_owned());
        Box::pin(self.perform("get", move |server| Ok(server.leases.get(&key).cloned())))
    }

    fn create(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(self.perform("create", move |server| server.create(lease)))
    }

    fn update(&self, lease: Lease) -> BoxFuture<'_, Result<Lease, ApiFailure>> {
        Box::pin(self.perform("update", move |server| server.update(lease)))
    }

    fn watch<'a>(
        &'a self,
        namespace: &'a str,
        name: Option<&'a str>,
    ) -> BoxFuture<'a, Result<LeaseEvents, ApiFailure>> {
        Box::pin(async move {
            let receiver = self
                .perform("watch", move |server| Ok(server.watch(namespace, name)))
                .await?;
            let link = self.link.subscribe();
            let events = futures_util::stream::unfold((receiver, link), |(mut receiver, mut link)| async move {
                let event = next_event(&mut receiver, &mut link).await?;
                Some((Ok(event), (receiver, link)))
            });
            Ok(events.boxed())
        })
    }
}

/// The next event; not while the connection hangs, and `None` once it is broken.
async fn next_event(
    events: &mut mpsc::UnboundedReceiver<LeaseEvent>,
    link: &mut watch::Receiver<Link>,
) -> Option<LeaseEvent> {
    let broken = |link: &Link| matches!(link, Link::Down | Link::NoWatch | Link::Forbidden);
    let mut hanging = link.clone();
    let event = async {
        let event = events.recv().await;
        // A link that is gone cannot hang.
        let _ = hanging.wait_for(|link| *link != Link::Hanging).await;
        event
    };
    tokio::select! {
        biased;
        _ = link.wait_for(broken) => None,
        event = event => event,
    }
}
