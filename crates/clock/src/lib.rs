//! The clock that counts suspend, and a simulated one.
