//! The server without sockets: requests through [`leasehold_server::App::handle`] against a real store.

mod backups;
mod filters;
mod fixture;
mod requests;
mod scope;
mod status;
mod watches;
