//! The date, for what is written into certificates. It comes from the [`Clock`], as all time does.

use jiff::Timestamp;
use leasehold_clock::Clock;

use crate::failure::{Failure, Kind};

/// The date and time on the calendar. It fails only if the machine's clock shows a year beyond 9999.
pub(crate) fn now(clock: &dyn Clock) -> Result<Timestamp, Failure> {
    Timestamp::try_from(clock.wall()).map_err(|error| {
        Failure::new(
            Kind::Certificates,
            format!("the machine's clock cannot be right: {error}"),
        )
    })
}
