//! The machine, driven by hand: each test is a conversation, with the time said in seconds since its start.

mod bench;
mod campaign;
mod records;
mod release;
mod term;
