//! Requests on the one lease, by way of the registry.

use futures_util::FutureExt;
use leasehold_api::codec::Decoded;
use leasehold_api::coordination::Lease;
use leasehold_api::options::{DeleteOptions, ResourceVersion};
use leasehold_api::{ApiError, Object};
use leasehold_election::ApiFailure;
use leasehold_registry::resources::LEASES;
use leasehold_registry::{Place, WriteOptions, Written};

use super::{Committed, Running};
use crate::api::NAMESPACE;
use crate::request::{Answer, Call};

/// Whose name goes into `managedFields`.
const MANAGER: &str = "sim";

fn leases() -> Place {
    Place::collection(&LEASES, NAMESPACE)
}

impl Running {
    /// Creates the namespaces that are there from the start.
    pub(super) fn bootstrap(&mut self) {
        let made = self.run(|registry| registry.bootstrap().boxed());
        made.expect("the first namespaces are made");
    }

    /// Reads or writes the lease, and says what became durable.
    pub(super) fn carry_out(&mut self, call: &Call) -> (Result<Answer, ApiFailure>, Option<Committed>) {
        let lease = match call {
            Call::Create(lease) | Call::Update(lease) => lease,
            Call::Get(name) => return (self.get(name).map(|lease| Answer::Lease(lease.map(Box::new))), None),
            Call::Watch(_) => return (Err(ApiFailure::Invalid("not here".to_owned())), None),
        };
        let (before, revision) = (self.current(&lease.metadata.name), self.revision());
        let written = match call {
            Call::Create(_) => self.create(lease),
            _ => self.update(lease),
        };
        let committed = (self.revision() > revision).then(|| Committed {
            before,
            after: written.as_ref().ok().cloned(),
        });
        (written.map(|lease| Answer::Lease(Some(Box::new(lease)))), committed)
    }

    /// The lease now, if there is one.
    pub(super) fn current(&mut self, name: &str) -> Option<Lease> {
        self.get(name).ok().flatten()
    }

    /// Deletes the lease, if it is there.
    pub(super) fn delete(&mut self, name: &str) -> Option<Committed> {
        let before = Some(self.current(name)?);
        let place = leases().named(name);
        let (this, options) = (DeleteOptions::default(), WriteOptions::internal(MANAGER));
        let deleted = self.run(|registry| async move { registry.delete(&place, &this, &options).await }.boxed());
        deleted.ok().map(|_| Committed { before, after: None })
    }

    fn get(&mut self, name: &str) -> Result<Option<Lease>, ApiFailure> {
        let place = leases().named(name);
        let found = self.run(|registry| async move { registry.get(&place, ResourceVersion::Unset).await }.boxed());
        match found.and_then(|item| item.object()) {
            Ok(object) => Ok(lease(&*object)),
            Err(error) if error.code() == 404 => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    fn create(&mut self, lease: &Lease) -> Result<Lease, ApiFailure> {
        let body = body(lease);
        let options = WriteOptions::internal(MANAGER);
        written(self.run(|registry| async move { registry.create(&leases(), body, &options).await }.boxed()))
    }

    fn update(&mut self, lease: &Lease) -> Result<Lease, ApiFailure> {
        let body = body(lease);
        let place = leases().named(&lease.metadata.name);
        let options = WriteOptions::internal(MANAGER);
        written(self.run(|registry| async move { registry.update(&place, body, &options).await }.boxed()))
    }
}

fn body(lease: &Lease) -> Decoded {
    Decoded {
        object: Box::new(lease.clone()),
        problems: Vec::new(),
    }
}

fn written(written: Result<Written, ApiError>) -> Result<Lease, ApiFailure> {
    let object = written.and_then(|written| written.item.object());
    lease(&*object.map_err(|error| failure(&error))?).ok_or_else(|| ApiFailure::Invalid("no lease".to_owned()))
}

/// The lease in an object of the registry's.
pub(super) fn lease(object: &dyn Object) -> Option<Lease> {
    object.downcast_ref::<Lease>().cloned()
}

/// What an error means to an elector.
pub(super) fn failure(error: &ApiError) -> ApiFailure {
    let why = error.status().message.clone();
    match error.code() {
        401 | 403 => ApiFailure::Forbidden(why),
        404 => ApiFailure::NotFound(why),
        409 => ApiFailure::Conflict(why),
        429 | 500.. => ApiFailure::Unknown(why),
        _ => ApiFailure::Invalid(why),
    }
}
