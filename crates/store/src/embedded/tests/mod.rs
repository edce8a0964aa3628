//! Tests of the engine as a whole.

mod backup;
mod bytes;
mod contract;
mod crash;
mod damage;
mod directory;
mod faults;
mod flips;
mod hand;
mod inspect;
mod io_errors;
mod model;
mod oracle;
mod story;
mod support;
mod windows;
