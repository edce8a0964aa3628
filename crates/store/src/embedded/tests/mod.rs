//! Tests of the engine as a whole.

mod crash;
mod support;
