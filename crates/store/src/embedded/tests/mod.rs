//! Tests of the engine as a whole.

mod bytes;
mod contract;
mod crash;
mod damage;
mod directory;
mod faults;
mod model;
mod support;
mod windows;
