//! What must exist before the first request: the namespaces that every client counts on.

use std::sync::Arc;

use leasehold_api::codec::Decoded;
use leasehold_api::core::Namespace;
use leasehold_api::{ApiError, Kind as _};

use crate::place::{Caller, Place, WriteOptions};
use crate::registry::Registry;
use crate::resources::{INITIAL_NAMESPACES, NAMESPACES};

impl WriteOptions {
    /// For writes of the server's own, under this manager's name.
    #[must_use]
    pub fn internal(manager: &str) -> Self {
        let caller = Caller {
            manager: Arc::from(manager),
            admission: None,
        };
        Self {
            caller,
            dry_run: false,
            strict: true,
            force: false,
        }
    }
}

impl Registry {
    /// Creates the initial namespaces that are not there yet, unless namespaces are left to others.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn bootstrap(&self) -> Result<(), ApiError> {
        if !self.served.has(&NAMESPACES) {
            return Ok(());
        }
        for name in INITIAL_NAMESPACES {
            let mut namespace = Namespace::default();
            name.clone_into(&mut namespace.metadata_mut().name);
            let body = Decoded {
                object: Box::new(namespace),
                problems: Vec::new(),
            };
            let place = Place::collection(&NAMESPACES, "");
            match self.create(&place, body, &WriteOptions::internal("leasehold")).await {
                Err(error) if error.reason() == "AlreadyExists" => {}
                other => drop(other?),
            }
        }
        Ok(())
    }
}
