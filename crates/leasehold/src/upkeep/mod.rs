//! Looking after data: `leasehold backup`, `leasehold restore` and `leasehold check`.

mod backup;
mod check;
mod report;
mod restore;

pub(crate) use backup::backup;
pub(crate) use check::{check, judge};
pub(crate) use restore::restore;
