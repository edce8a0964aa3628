//! What tests of engines share, in this crate and elsewhere: the contract's suite, and a disk in memory that records
//! every call, fails on demand and knows what a power cut could leave of it.

mod crash;
pub mod fuzzing;
mod memory_disk;
pub mod suite;

pub use crash::{Cut, Sectors, Survivors};
pub use memory_disk::{Fault, Image, MemoryDisk, Op};
