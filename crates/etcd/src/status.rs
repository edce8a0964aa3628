//! What a gRPC status means: a pure table from code and text to [`Error`].
//!
//! gRPC's codes are too coarse for the one question that matters, whether a write may have been carried out, so etcd's
//! published texts are looked at too. A status that this table does not know counts as "may have been".

use http::HeaderMap;
use percent_encoding::percent_decode;

use crate::Error;

/// What a server ended a call with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) code: u32,
    pub(crate) message: String,
}

/// gRPC's codes, as far as they are told apart here.
const OK: u32 = 0;
const UNKNOWN: u32 = 2;
const INVALID_ARGUMENT: u32 = 3;
const PERMISSION_DENIED: u32 = 7;
const RESOURCE_EXHAUSTED: u32 = 8;
const FAILED_PRECONDITION: u32 = 9;
const OUT_OF_RANGE: u32 = 11;
const UNIMPLEMENTED: u32 = 12;
const UNAUTHENTICATED: u32 = 16;

/// Texts of etcd's errors that are raised before a request becomes a proposal, or that undo it: surely not carried out.
const NOT_CARRIED_OUT: [&str; 7] = [
    "etcdserver: no leader",
    "etcdserver: too many requests",
    "etcdserver: rpc not supported for learner",
    "etcdserver: not capable",
    "etcdserver: corrupt cluster",
    "etcdserver: revision of auth store is old",
    "raft proposal dropped",
];
/// Texts with the code of a bad argument that are about who asks.
const DENIED: [&str; 3] = [
    "etcdserver: user name is empty",
    "etcdserver: authentication failed",
    "etcdserver: invalid auth token",
];

impl Status {
    /// The status in these headers or trailers, if there is one.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get("grpc-status")?;
        let code = code.to_str().ok().and_then(|code| code.parse().ok());
        let message = headers.get("grpc-message").map_or(&b""[..], |text| text.as_bytes());
        Some(Self {
            code: code.unwrap_or(UNKNOWN),
            message: percent_decode(message).decode_utf8_lossy().into_owned(),
        })
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.code == OK
    }

    /// What a call that ended so means.
    pub(crate) fn error(self) -> Error {
        let Self { code, message } = self;
        let is = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
        if is(&["required revision has been compacted"]) {
            return Error::Compacted;
        }
        if is(&["required revision is a future revision"]) {
            return Error::FutureRevision;
        }
        if is(&NOT_CARRIED_OUT) {
            return Error::Unavailable(message);
        }
        if is(&DENIED) {
            return Error::Denied(message);
        }
        match code {
            PERMISSION_DENIED | UNAUTHENTICATED => Error::Denied(message),
            RESOURCE_EXHAUSTED if is(&["database space exceeded"]) => Error::NoSpace(message),
            INVALID_ARGUMENT | RESOURCE_EXHAUSTED | FAILED_PRECONDITION | OUT_OF_RANGE | UNIMPLEMENTED => {
                Error::Invalid(message)
            }
            _ => Error::Unknown(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u32, message: &str) -> Error {
        let message = message.to_owned();
        Status { code, message }.error()
    }

    /// The texts are those of etcd's rpctypes and of grpc-go.
    #[test]
    fn each_status_of_etcd_means_what_a_caller_needs_to_know() {
        let unknown = |text: &str| Error::Unknown(text.to_owned());
        let unavailable = |text: &str| Error::Unavailable(text.to_owned());
        let denied = |text: &str| Error::Denied(text.to_owned());
        let invalid = |text: &str| Error::Invalid(text.to_owned());
        for (code, text, meaning) in [
            (14, "etcdserver: no leader", unavailable as fn(&str) -> Error),
            (8, "etcdserver: too many requests", unavailable),
            (9, "etcdserver: rpc not supported for learner", unavailable),
            (2, "raft proposal dropped", unavailable),
            (15, "etcdserver: corrupt cluster", unavailable),
            (14, "etcdserver: leader changed", unknown),
            (14, "etcdserver: server stopped", unknown),
            (14, "etcdserver: request timed out", unknown),
            (
                14,
                "etcdserver: request timed out, possibly due to previous leader failure",
                unknown,
            ),
            (
                14,
                "etcdserver: request timed out, possibly due to connection lost",
                unknown,
            ),
            (
                14,
                "etcdserver: request timed out, waiting for the applied index took too long",
                unknown,
            ),
            (14, "transport is closing", unknown),
            (1, "context canceled", unknown),
            (4, "etcdserver: context deadline exceeded", unknown),
            (13, "anything", unknown),
            (77, "a code of the future", unknown),
            (7, "etcdserver: permission denied", denied),
            (16, "etcdserver: invalid auth token", denied),
            (3, "etcdserver: user name is empty", denied),
            (3, "etcdserver: key is not provided", invalid),
            (3, "etcdserver: request is too large", invalid),
            (3, "etcdserver: too many operations in txn request", invalid),
            (3, "etcdserver: duplicate key given in txn request", invalid),
            (8, "grpc: received message larger than max (3 vs. 2)", invalid),
            (12, "unknown service etcdserverpb.KV", invalid),
            (11, "etcdserver: mvcc: required revision has been compacted", |_| {
                Error::Compacted
            }),
            (11, "etcdserver: mvcc: required revision is a future revision", |_| {
                Error::FutureRevision
            }),
            (8, "etcdserver: mvcc: database space exceeded", |text| {
                Error::NoSpace(text.to_owned())
            }),
        ] {
            assert_eq!(error(code, text), meaning(text), "{code} {text}");
        }
    }

    #[test]
    fn a_status_is_read_from_headers() {
        let mut headers = HeaderMap::new();
        assert_eq!(Status::read(&headers), None);
        headers.insert("grpc-status", "0".parse().unwrap());
        assert!(Status::read(&headers).unwrap().is_ok());
        headers.insert("grpc-status", "14".parse().unwrap());
        headers.insert("grpc-message", "50%25 of it%0A".parse().unwrap());
        let wanted = Status {
            code: 14,
            message: "50% of it\n".to_owned(),
        };
        assert_eq!(Status::read(&headers), Some(wanted));
        headers.insert("grpc-status", "fourteen".parse().unwrap());
        assert_eq!(Status::read(&headers).unwrap().code, UNKNOWN);
    }
}
