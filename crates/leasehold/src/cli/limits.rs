//! How much may happen at once, as the flags of `serve` say.

use leasehold_server::{Limits, net};

use super::args::ServeArgs;
use crate::failure::{Failure, Kind};

/// More than anyone needs, and still a number that memory can be thought of in.
const MOST: u32 = 10_000_000;

/// The bounds that can be set; all others keep the server's defaults.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LimitSettings {
    /// Of connections.
    pub(crate) net: net::Limits,
    /// Of requests.
    pub(crate) requests: Limits,
}

impl LimitSettings {
    /// The flags over the defaults.
    ///
    /// # Errors
    /// When a bound is 0 or beyond reason: a server that lets nobody in is a mistake.
    pub(super) fn new(given: &ServeArgs) -> Result<Self, Failure> {
        let (net, requests) = (net::Limits::default(), Limits::default());
        let count = |flag, given, default| usize_of(flag, given, default);
        Ok(Self {
            net: net::Limits {
                connections: count("max-connections", given.max_connections, net.connections)?,
                connections_per_address: count(
                    "max-connections-per-address",
                    given.max_connections_per_address,
                    net.connections_per_address,
                )?,
                streams: of(
                    "http2-max-streams-per-connection",
                    given.http2_max_streams_per_connection,
                    net.streams,
                )?,
                ..net
            },
            requests: Limits {
                read_only: of("max-requests-inflight", given.max_requests_inflight, requests.read_only)?,
                mutating: of(
                    "max-mutating-requests-inflight",
                    given.max_mutating_requests_inflight,
                    requests.mutating,
                )?,
                watches: of("max-watches", given.max_watches, requests.watches)?,
                watches_per_user: of(
                    "max-watches-per-user",
                    given.max_watches_per_user,
                    requests.watches_per_user,
                )?,
            },
        })
    }
}

fn of(flag: &str, given: Option<u32>, default: u32) -> Result<u32, Failure> {
    match given {
        Some(number) if (1..=MOST).contains(&number) => Ok(number),
        Some(_) => Err(Failure::new(
            Kind::Usage,
            format!("--{flag} must be between 1 and {MOST}"),
        )),
        None => Ok(default),
    }
}

fn usize_of(flag: &str, given: Option<u32>, default: usize) -> Result<usize, Failure> {
    Ok(match given {
        Some(number) => of(flag, Some(number), 1)? as usize,
        None => default,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_sets_its_own_bound_and_no_other() {
        let given = ServeArgs {
            max_watches_per_user: Some(7),
            max_connections: Some(9),
            ..ServeArgs::default()
        };
        let limits = LimitSettings::new(&given).unwrap();
        let wanted = LimitSettings {
            net: net::Limits {
                connections: 9,
                ..net::Limits::default()
            },
            requests: Limits {
                watches_per_user: 7,
                ..Limits::default()
            },
        };
        assert_eq!(limits, wanted);
    }

    #[test]
    fn a_bound_that_lets_nobody_in_is_refused_by_name() {
        let given = ServeArgs {
            max_connections_per_address: Some(0),
            ..ServeArgs::default()
        };
        let failure = LimitSettings::new(&given).unwrap_err();
        assert_eq!(
            failure.message(),
            "--max-connections-per-address must be between 1 and 10000000"
        );
    }
}
