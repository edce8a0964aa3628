//! Which controllers run beside the server, and what they count.

use std::sync::Arc;

use leasehold_controllers::nodes::NodeFigures;
use leasehold_controllers::{
    Controller, CoordinatedElection, ElectionFigures, EventExpiry, IdentityExpiry, IdentityFigures, LeasePublisher,
    LeaseTtl, NamespaceDeletion, NodeMonitor, OwnerCollection, ServerIdentity,
};
use leasehold_registry::{Feature, Scope};

use crate::cli::Settings;

/// The controllers that the settings ask for.
pub(super) struct Chosen {
    pub(super) controllers: Vec<Box<dyn Controller>>,
    pub(super) counted: Counted,
}

/// What controllers count; absent for those that do not run.
#[derive(Clone, Default)]
pub(super) struct Counted {
    pub(super) nodes: Option<Arc<NodeFigures>>,
    pub(super) identities: Option<Arc<IdentityFigures>>,
    pub(super) elections: Option<Arc<ElectionFigures>>,
}

/// All that the settings ask for.
pub(super) fn choose(settings: &Settings) -> Chosen {
    let identity = identity(settings);
    let mut counted = Counted::default();
    let mut controllers: Vec<Box<dyn Controller>> = vec![
        Box::new(LeasePublisher::of_controllers(&identity)),
        Box::new(LeaseTtl::default()),
    ];
    // Elsewhere they are the cluster's business, which has controllers of its own for them.
    if settings.scope == Scope::Everything {
        let figures = Arc::<NodeFigures>::default();
        controllers.push(Box::new(NodeMonitor::counting(settings.nodes, figures.clone())));
        counted.nodes = Some(figures);
        controllers.push(Box::new(OwnerCollection::new()));
        controllers.push(Box::new(NamespaceDeletion));
        controllers.push(Box::new(EventExpiry::new(settings.event_ttl)));
    }
    if settings.features.enabled(Feature::ApiServerIdentity) {
        let (kept, figures) = (&settings.identity, Arc::<IdentityFigures>::default());
        controllers.push(Box::new(LeasePublisher::of_server(&identity, kept.lease_duration)));
        controllers.push(Box::new(IdentityExpiry::new(kept.gc_period, figures.clone())));
        counted.identities = Some(figures);
    }
    if settings.features.enabled(Feature::CoordinatedLeaderElection) {
        let figures = Arc::<ElectionFigures>::default();
        controllers.push(Box::new(CoordinatedElection::new(figures.clone())));
        counted.elections = Some(figures);
    }
    controllers.retain(|controller| settings.controllers.runs(controller.name()));
    Chosen { controllers, counted }
}

/// Who this process is: the name is the host's, and the rest tells it from the one before.
fn identity(settings: &Settings) -> ServerIdentity {
    let own = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let hostname = settings.identity.hostname.clone().unwrap_or_else(own);
    ServerIdentity::new(&hostname, &uuid::Uuid::new_v4().to_string())
}
