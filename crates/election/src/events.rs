//! Events on the lease, for `kubectl describe lease`: who became leader, and who stopped leading.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use leasehold_api::core::{Event, EventSource, ObjectReference};
use leasehold_api::{MicroTime, Time};
use leasehold_clock::Clock;
use tokio::task::JoinSet;

use crate::requests::{REQUEST_TIMEOUT, within};
use crate::{ApiFailure, Leadership};

/// Takes Events, as an API server does.
pub trait EventApi: Send + Sync + 'static {
    /// Creates it.
    fn create_event(&self, event: Event) -> BoxFuture<'_, Result<(), ApiFailure>>;
}

/// Events that may wait for their answers; more than these are not sent.
const UNDER_WAY: usize = 8;
/// How long the end of an election waits for its last event.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Posts the events of one elector. An event that cannot be posted is not tried again.
pub(crate) struct Reporter {
    api: Arc<dyn EventApi>,
    clock: Arc<dyn Clock>,
    component: String,
    under_way: JoinSet<()>,
}

impl Reporter {
    pub(crate) fn new(api: Arc<dyn EventApi>, clock: Arc<dyn Clock>, component: String) -> Self {
        Self {
            api,
            clock,
            component,
            under_way: JoinSet::new(),
        }
    }

    /// Says what happened to a term, in the words of client-go.
    pub(crate) fn report(&mut self, term: &Leadership, what: &str) {
        // Those that are done make room.
        while self.under_way.try_join_next().is_some() {}
        if self.under_way.len() >= UNDER_WAY {
            return;
        }
        let event = self.event(term, format!("{} {what}", term.identity()));
        let (api, clock) = (Arc::clone(&self.api), Arc::clone(&self.clock));
        self.under_way.spawn(async move {
            if let Err(failure) = within(&*clock, REQUEST_TIMEOUT, api.create_event(event)).await {
                tracing::debug!(%failure, "an event was not posted");
            }
        });
    }

    /// Waits a moment for what is under way.
    pub(crate) async fn finish(&mut self) {
        let clock = Arc::clone(&self.clock);
        tokio::select! {
            biased;
            () = async { while self.under_way.join_next().await.is_some() {} } => {}
            () = clock.sleep_until(clock.now() + LAST_WORDS) => {}
        }
    }

    fn event(&self, term: &Leadership, message: String) -> Event {
        let (lease, wall) = (term.lease(), self.clock.wall());
        let mut event = Event {
            involved_object: ObjectReference {
                kind: "Lease".to_owned(),
                api_version: "coordination.k8s.io/v1".to_owned(),
                namespace: lease.namespace.clone(),
                name: lease.name.clone(),
                uid: term.lease_uid().to_owned(),
                resource_version: term.token().to_string(),
                ..ObjectReference::default()
            },
            reason: "LeaderElection".to_owned(),
            message,
            source: EventSource {
                component: self.component.clone(),
                ..EventSource::default()
            },
            first_timestamp: Time::from_system(wall),
            last_timestamp: Time::from_system(wall),
            count: 1,
            r#type: "Normal".to_owned(),
            reporting_component: self.component.clone(),
            ..Event::default()
        };
        event.metadata.namespace.clone_from(&lease.namespace);
        // As client-go names them: by the object and a moment.
        let stamp = MicroTime::from_system(wall);
        event.metadata.name = format!("{}.{:x}{:05x}", lease.name, stamp.seconds, stamp.nanos / 1000);
        event
    }
}
