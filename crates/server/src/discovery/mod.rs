//! What the server serves, told to clients: discovery under `/api` and `/apis`, and OpenAPI under `/openapi`.
//!
//! Everything follows from the resource table, which does not change while the server runs. So every reply is made once,
//! on start, in each media type that clients ask for, and a request only picks one: see [`Documents::find`] and
//! [`Document::answer`]. Nothing here reads an object or knows a resource by name.

mod accept;
mod aggregated;
mod classic;
mod document;
mod encode;
mod groups;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod wire;

use std::collections::BTreeMap;

pub use document::{Document, Representation};
pub(crate) use encode::JSON;
pub(crate) use groups::{Group, GroupVersionResources, groups, subresource_verbs};
use leasehold_registry::Resource;

/// Every discovery and OpenAPI document, by path.
#[derive(Debug)]
pub struct Documents(BTreeMap<String, Document>);

impl Documents {
    /// Makes all documents for this table. `address` is the host and port under which clients reach the server; it is
    /// told in `/api` only.
    #[must_use]
    pub fn build(table: &[&'static Resource], address: &str) -> Self {
        let groups = groups(table);
        let documents = classic::documents(&groups, address)
            .into_iter()
            .chain(crate::openapi::documents(&groups));
        Self(documents.collect())
    }

    /// The document at this path; one slash at the end is overlooked.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Document> {
        self.0.get(path.strip_suffix('/').unwrap_or(path))
    }

    /// The paths of all documents, in order: a part of what `/` lists.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
