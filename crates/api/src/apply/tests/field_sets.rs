//! field_sets
