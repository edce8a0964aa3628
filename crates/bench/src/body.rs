//! The leases that are written: made once, and from then on the last reply with a few bytes changed.
//!
//! kubelet sends back the whole lease that the server answered last, managedFields and all, with nothing changed but
//! renewTime. So does this: the body of a renewal is the body of the last reply, with a new time spliced in. It is never
//! decoded, which is most of why an operation costs so little here.

use leasehold_api::coordination::Lease;
use leasehold_api::{Gvk, MicroTime, codec};
use memchr::memmem;

use crate::api::Encoding;
use crate::protobuf;

/// The label and value by which leases made here are known.
pub(crate) const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "leasehold-bench");
/// Seconds, as kubelet's.
const DURATION: i32 = 40;
const LEASE: Gvk = Gvk {
    group: "coordination.k8s.io",
    version: "v1",
    kind: "Lease",
};
/// What comes before the time in JSON, as every server writes it.
const RENEW_TIME_JSON: &[u8] = b"\"renewTime\":\"";
/// `2026-01-02T03:04:05.000006Z`
const TIME_LEN: usize = 27;

/// A lease as kubelet creates it, held by `holder`.
pub(crate) fn create(encoding: Encoding, namespace: &str, name: &str, holder: &str, now: MicroTime) -> Vec<u8> {
    let mut lease = Lease::default();
    lease.metadata.name = name.to_owned();
    lease.metadata.namespace = namespace.to_owned();
    lease.metadata.labels.insert(LABEL.0.to_owned(), LABEL.1.to_owned());
    lease.spec.holder_identity = Some(holder.to_owned());
    lease.spec.lease_duration_seconds = Some(DURATION);
    lease.spec.renew_time = Some(now);
    let mut body = Vec::with_capacity(512);
    match encoding {
        Encoding::Json => codec::json::write_object(LEASE, &lease, &mut body),
        Encoding::Protobuf => codec::protobuf::write_object(LEASE, &lease, &mut body),
    }
    body
}

/// Whether the lease was made here, and may be written and deleted.
pub(crate) fn is_ours(body: &[u8]) -> bool {
    memmem::find(body, LABEL.1.as_bytes()).is_some()
}

/// The lease with another renewTime; `None` if it has none now.
pub(crate) fn renewed(encoding: Encoding, lease: &[u8], now: MicroTime) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Json => renewed_json(lease, now),
        Encoding::Protobuf => protobuf::with_renew_time(lease, now),
    }
}

fn renewed_json(lease: &[u8], now: MicroTime) -> Option<Vec<u8>> {
    // The spec is the last thing in a lease.
    let at = memmem::rfind(lease, RENEW_TIME_JSON)? + RENEW_TIME_JSON.len();
    let mut body = lease.to_vec();
    let place = body.get_mut(at..at + TIME_LEN)?;
    if place.last() != Some(&b'Z') {
        return None;
    }
    place.copy_from_slice(now.to_string().as_bytes());
    Some(body)
}

/// A holder that carries a number, for watchers to tell one write from the other.
pub(crate) mod mark {
    use memchr::memmem;

    const PREFIX: &[u8] = b"leasehold-bench/";
    const DIGITS: usize = 10;

    /// The holderIdentity that carries this number.
    pub(crate) fn holder(number: u32) -> String {
        format!("leasehold-bench/{number:0DIGITS$}")
    }

    /// The number in a lease in either encoding, if it was written here.
    pub(crate) fn read(lease: &[u8]) -> Option<u32> {
        let at = memmem::rfind(lease, PREFIX)? + PREFIX.len();
        let digits = lease.get(at..at + DIGITS)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Puts another number in its place; `false` if there is none.
    pub(crate) fn write(lease: &mut [u8], number: u32) -> bool {
        let Some(at) = memmem::rfind(lease, PREFIX) else {
            return false;
        };
        let Some(place) = lease.get_mut(at..at + PREFIX.len() + DIGITS) else {
            return false;
        };
        place.copy_from_slice(holder(number).as_bytes());
        true
    }
}

#[cfg(test)]
mod tests {
    use leasehold_api::codec::protobuf::decode_message;

    use super::*;

    const BEFORE: MicroTime = MicroTime::new(1_700_000_000, 5_000);

    fn decoded(encoding: Encoding, body: &[u8]) -> Lease {
        match encoding {
            Encoding::Json => serde_json::from_slice(body).unwrap(),
            Encoding::Protobuf => decode_message(&body.to_vec().into()).unwrap().2,
        }
    }

    #[test]
    fn a_renewal_changes_the_time_and_nothing_else() {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            for nanos in [0, 1_000, 999_999_000] {
                let old = create(encoding, "ns", "name", "holder", BEFORE);
                let now = MicroTime::new(1_800_000_000, nanos);
                let new = renewed(encoding, &old, now).unwrap();
                let mut wanted = decoded(encoding, &old);
                wanted.spec.renew_time = Some(now);
                assert_eq!(decoded(encoding, &new), wanted);
                let back = renewed(encoding, &new, BEFORE).unwrap();
                assert_eq!(back, old, "{encoding:?}");
            }
        }
    }

    #[test]
    fn what_is_no_lease_is_not_renewed() {
        let lease = create(Encoding::Protobuf, "ns", "name", "holder", BEFORE);
        for cut in 0..lease.len() - 4 {
            assert_eq!(renewed(Encoding::Protobuf, &lease[..cut], BEFORE), None, "{cut}");
        }
        for text in [
            "",
            "{}",
            r#"{"spec":{"renewTime":null}}"#,
            r#"{"spec":{"renewTime":"2026"}}"#,
        ] {
            assert_eq!(renewed(Encoding::Json, text.as_bytes(), BEFORE), None, "{text}");
        }
    }

    #[test]
    fn a_mark_is_read_back_and_replaced() {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            let mut lease = create(encoding, "ns", "name", &mark::holder(7), BEFORE);
            assert_eq!(mark::read(&lease), Some(7));
            assert!(mark::write(&mut lease, u32::MAX));
            assert_eq!(mark::read(&lease), Some(u32::MAX));
            assert_eq!(
                decoded(encoding, &lease).spec.holder_identity,
                Some(mark::holder(u32::MAX))
            );
            let other = create(encoding, "ns", "name", "holder", BEFORE);
            assert_eq!(mark::read(&other), None);
            assert!(is_ours(&lease) && is_ours(&other));
        }
    }
}
