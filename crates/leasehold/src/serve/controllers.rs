//! Which controllers run beside the server.

use leasehold_controllers::{
    Controller, EventExpiry, IdentityExpiry, LeasePublisher, NamespaceDeletion, ServerIdentity,
};
use leasehold_registry::Feature;

use crate::cli::Settings;

/// All that the settings ask for.
pub(super) fn of(settings: &Settings) -> Vec<Box<dyn Controller>> {
    let identity = identity(settings);
    let mut controllers: Vec<Box<dyn Controller>> = vec![
        Box::new(LeasePublisher::of_controllers(&identity)),
        Box::new(NamespaceDeletion),
        Box::new(EventExpiry::new(settings.event_ttl)),
    ];
    if settings.features.enabled(Feature::ApiServerIdentity) {
        let kept = &settings.identity;
        controllers.push(Box::new(LeasePublisher::of_server(&identity, kept.lease_duration)));
        controllers.push(Box::new(IdentityExpiry::new(kept.gc_period)));
    }
    controllers
}

/// Who this process is: the name is the host's, and the rest tells it from the one before.
fn identity(settings: &Settings) -> ServerIdentity {
    let own = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let hostname = settings.identity.hostname.clone().unwrap_or_else(own);
    ServerIdentity::new(&hostname, &uuid::Uuid::new_v4().to_string())
}
