//! The contract's test suite.
