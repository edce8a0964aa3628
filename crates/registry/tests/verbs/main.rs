//! The verbs over the real embedded store: one file per theme, one helper to make requests short.

mod harness;
mod lists;
mod watches;
mod writes;
