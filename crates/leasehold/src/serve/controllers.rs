//! Which controllers run beside the server, and what they count.

use std::sync::Arc;

use leasehold_controllers::leadership::{CONTROLLERS, Crew, ELECTIONS};
use leasehold_controllers::nodes::NodeFigures;
use leasehold_controllers::{
    Controller, CoordinatedElection, Duty, ElectionFigures, EventExpiry, IdentityExpiry, IdentityFigures,
    LeasePublisher, LeaseTtl, NamespaceDeletion, NodeMonitor, OwnerCollection, ServerIdentity,
};
use leasehold_registry::{Feature, Scope};

use crate::cli::Settings;

/// The controllers that the settings ask for.
pub(super) struct Chosen {
    /// Those of each server, however many share a store.
    pub(super) own: Vec<Box<dyn Controller>>,
    /// Those that one server runs for all.
    pub(super) duties: Vec<Duty>,
    pub(super) counted: Counted,
}

/// What controllers count; absent for those that were not asked for.
#[derive(Clone, Default)]
pub(super) struct Counted {
    pub(super) nodes: Option<Arc<NodeFigures>>,
    pub(super) identities: Option<Arc<IdentityFigures>>,
    pub(super) elections: Option<Arc<ElectionFigures>>,
}

/// All that the settings ask for.
pub(super) fn choose(settings: &Settings, identity: &ServerIdentity) -> Chosen {
    let counted = Counted::of(settings);
    let mut own: Vec<Box<dyn Controller>> = Vec::new();
    if counted.identities.is_some() {
        let duration = settings.identity.lease_duration;
        own.push(Box::new(LeasePublisher::of_server(identity, duration)));
    }
    own.retain(|controller| settings.controllers.runs(controller.name()));
    let mut duties = vec![duty(CONTROLLERS, settings, &counted, shared)];
    if counted.elections.is_some() {
        duties.push(duty(ELECTIONS, settings, &counted, elections));
    }
    duties.retain(|duty| !(duty.crew)().is_empty());
    Chosen { own, duties, counted }
}

impl Counted {
    fn of(settings: &Settings) -> Self {
        let (features, scope) = (settings.features, settings.scope);
        let is_on = |feature| features.enabled(feature);
        Self {
            nodes: (scope == Scope::Everything).then(Arc::default),
            identities: is_on(Feature::ApiServerIdentity).then(Arc::default),
            elections: is_on(Feature::CoordinatedLeaderElection).then(Arc::default),
        }
    }
}

/// Makes controllers, counting where it is told to.
type Make = fn(&Settings, &Counted) -> Vec<Box<dyn Controller>>;

fn duty(lease: &'static str, settings: &Settings, counted: &Counted, make: Make) -> Duty {
    let (settings, counted) = (settings.clone(), counted.clone());
    let crew: Crew = Box::new(move || {
        let mut controllers = make(&settings, &counted);
        controllers.retain(|controller| settings.controllers.runs(controller.name()));
        controllers
    });
    Duty { lease, crew }
}

fn shared(settings: &Settings, counted: &Counted) -> Vec<Box<dyn Controller>> {
    let mut controllers: Vec<Box<dyn Controller>> = vec![Box::new(LeaseTtl::default())];
    if let Some(figures) = &counted.identities {
        let period = settings.identity.gc_period;
        controllers.push(Box::new(IdentityExpiry::new(period, figures.clone())));
    }
    // Elsewhere the rest is the cluster's business, which has controllers of its own for it.
    if let Some(figures) = &counted.nodes {
        controllers.push(Box::new(NodeMonitor::counting(settings.nodes, figures.clone())));
        controllers.push(Box::new(OwnerCollection::new()));
        controllers.push(Box::new(NamespaceDeletion));
        controllers.push(Box::new(EventExpiry::new(settings.event_ttl)));
    }
    controllers
}

fn elections(_: &Settings, counted: &Counted) -> Vec<Box<dyn Controller>> {
    let figures = counted.elections.iter();
    figures
        .map(|figures| Box::new(CoordinatedElection::new(figures.clone())) as Box<dyn Controller>)
        .collect()
}

/// Who this process is: the name is the host's, and the rest tells it from the one before.
pub(super) fn identity(settings: &Settings) -> ServerIdentity {
    let own = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let hostname = settings.identity.hostname.clone().unwrap_or_else(own);
    ServerIdentity::new(&hostname, &uuid::Uuid::new_v4().to_string())
}
