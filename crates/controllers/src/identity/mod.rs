//! Who serves: each server process keeps a Lease that says that it is there, and every server clears away those of
//! servers that are gone.
//!
//! Names, labels and form are kube-apiserver's, so that what looks for live servers there finds them here. Where
//! Kubernetes compares the clocks of two machines to find that a server is gone, this goes by how long it has seen the
//! Lease unchanged.

mod expiry;
mod name;
mod publisher;
mod rival;

pub use expiry::{IdentityExpiry, IdentityFigures};
pub use publisher::{LeasePublisher, ServerIdentity};

/// Where these Leases are.
const NAMESPACE: &str = "kube-system";
/// Says which component an identity Lease is of.
const COMPONENT_LABEL: &str = "apiserver.kubernetes.io/identity";
/// The component that this is.
const COMPONENT: &str = "kube-apiserver";
/// Says which host a server runs on.
const HOST_LABEL: &str = "kubernetes.io/hostname";
