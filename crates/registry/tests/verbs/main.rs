//! The verbs over the real embedded store: one file per theme, one helper to make requests short.

mod glances;
mod harness;
mod lists;
mod meddling;
mod races;
mod watches;
mod writes;
