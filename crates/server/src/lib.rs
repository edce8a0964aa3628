//! The Kubernetes API over HTTP.
//!
//! A request passes, in this order: connection limits and TLS ([`net`]), deadline, authentication and authorization
//! ([`auth`]), the in-flight limit, and only then its body is read, decoded, handed to the registry, and the outcome
//! encoded as the client asked. Nothing here knows what a lease is.

mod app;
pub mod auth;
mod backup;
mod body;
mod deadline;
pub mod discovery;
mod door;
mod encode;
mod health;
mod in_flight;
mod metrics;
mod negotiate;
pub mod net;
mod no_pods;
mod openapi;
mod pages;
mod read_body;
mod reply;
mod request_info;
mod route;
mod standing;
mod uri;
mod verbs;
mod version;
mod warnings;
mod watch;
mod watches_per_user;

pub use app::App;
pub use backup::BackupSource;
pub use body::Body;
pub use door::Door;
pub use in_flight::Limits;
pub use metrics::{Figure, FigureFamily, Figures, Metrics, Sample, StoreFigures};
pub use pages::StatusSource;
pub use version::VersionInfo;
pub use watches_per_user::WatchesPerUser;
