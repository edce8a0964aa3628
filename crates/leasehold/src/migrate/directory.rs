//! The data directory's side: locked for as long as it is looked at.

use std::path::Path;
use std::sync::Arc;

use leasehold_clock::SystemClock;
use leasehold_registry::Scope;
use leasehold_store::embedded::{Embedded, Options};

use super::{Content, read};
use crate::data_dir::{DataDir, store_in};
use crate::failure::{Failure, Kind};

/// Whether there is a store in it, usable or not.
pub(super) fn has_store(path: &Path) -> bool {
    store_in(path).join("format").exists()
}

/// What the store in a directory holds.
pub(super) async fn content(data_dir: &DataDir, scope: Scope) -> Result<Content, Failure> {
    let options = Options::new(store_in(data_dir.path()));
    let unusable = |why: &dyn std::fmt::Display| {
        let path = data_dir.path().display();
        Failure::new(Kind::DataDir, format!("data directory {path}: {why}"))
    };
    let store = Embedded::open(&options, Arc::new(SystemClock)).map_err(|error| unusable(&error))?;
    let content = read(&store, scope).await;
    store.close().await.map_err(|error| unusable(&error))?;
    content
}
