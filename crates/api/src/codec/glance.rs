//! A glance at a stored value: the few fields that a controller needs of every change, read without the rest.
//!
//! A whole lease costs microseconds to decode, and there may be ten thousand renewals a second. What is skipped here is
//! not checked.

use bytes::{Buf, Bytes};
use prost::Message;

use super::protobuf::MAGIC;
use crate::MicroTime;
use crate::meta::OwnerReference;

/// The envelope, with the message inside it read in place: both are one length and then bytes.
#[derive(Clone, PartialEq, Message)]
struct Envelope<T: Message + Default + std::fmt::Debug> {
    #[prost(message, optional, tag = "2")]
    raw: Option<T>,
}

#[derive(Clone, PartialEq, Message)]
struct LeaseGlance {
    #[prost(message, optional, tag = "2")]
    spec: Option<SpecGlance>,
}

#[derive(Clone, PartialEq, Message)]
struct SpecGlance {
    #[prost(message, optional, tag = "4")]
    renew_time: Option<MicroTime>,
}

#[derive(Clone, PartialEq, Message)]
struct ObjectGlance {
    #[prost(message, optional, tag = "1")]
    metadata: Option<Belonging>,
}

/// What ties an object to others: who it is, whom it belongs to, and what holds it. Compares without being decoded
/// further.
#[derive(Clone, PartialEq, Message)]
pub struct Belonging {
    #[prost(bytes = "bytes", tag = "5")]
    uid: Bytes,
    /// Present while the object is being deleted.
    #[prost(bytes = "bytes", optional, tag = "9")]
    deletion_timestamp: Option<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "13")]
    owner_references: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "14")]
    finalizers: Vec<Bytes>,
}

impl Belonging {
    /// The object's uid; empty where the bytes are no text.
    #[must_use]
    pub fn uid(&self) -> &str {
        std::str::from_utf8(&self.uid).unwrap_or_default()
    }

    /// Whether the object is being deleted.
    #[must_use]
    pub const fn is_being_deleted(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    /// Whether the object has this finalizer.
    #[must_use]
    pub fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers.iter().any(|finalizer| **finalizer == *name.as_bytes())
    }

    /// The owners, as far as they can be read.
    pub fn owners(&self) -> impl Iterator<Item = OwnerReference> {
        self.owner_references
            .iter()
            .filter_map(|bytes| OwnerReference::decode(bytes.clone()).ok())
    }
}

/// From bytes that are copied where they are kept, or shared, as the buffer has it.
fn read<T: Message + Default + std::fmt::Debug>(message: impl Buf) -> Option<T> {
    Envelope::<T>::decode(message).ok()?.raw
}

/// `spec.renewTime` of a stored lease; `None` where it is absent or the bytes are no lease.
#[must_use]
pub fn renew_time(value: &[u8]) -> Option<MicroTime> {
    read::<LeaseGlance>(value.strip_prefix(MAGIC)?)?.spec?.renew_time
}

/// What ties a stored object to others; `None` where the bytes are no object.
#[must_use]
pub fn belonging(value: &Bytes) -> Option<Belonging> {
    let message = value.starts_with(MAGIC).then(|| value.slice(MAGIC.len()..))?;
    read::<ObjectGlance>(message)?.metadata
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::protobuf::write_object;
    use crate::coordination::{Lease, LeaseSpec};
    use crate::meta::ObjectMeta;
    use crate::{Gvk, Time};

    const GVK: Gvk = Gvk {
        group: "coordination.k8s.io",
        version: "v1",
        kind: "Lease",
    };

    fn stored(lease: &Lease) -> Bytes {
        let mut out = Vec::new();
        write_object(GVK, lease, &mut out);
        out.into()
    }

    fn lease() -> Lease {
        let owner = OwnerReference {
            api_version: "v1".into(),
            kind: "Node".into(),
            name: "n1".into(),
            uid: "u-node".into(),
            ..OwnerReference::default()
        };
        Lease {
            metadata: ObjectMeta {
                name: "n1".into(),
                namespace: "kube-node-lease".into(),
                uid: "u-lease".into(),
                owner_references: vec![owner],
                finalizers: vec!["orphan".into()],
                ..ObjectMeta::default()
            },
            spec: LeaseSpec {
                holder_identity: Some("n1".into()),
                renew_time: Some(MicroTime::new(1_700_000_000, 5000)),
                ..LeaseSpec::default()
            },
        }
    }

    #[test]
    fn a_glance_reads_what_a_full_look_would() {
        let mut lease = lease();
        assert_eq!(renew_time(&stored(&lease)), lease.spec.renew_time);
        let seen = belonging(&stored(&lease)).expect("an object");
        assert_eq!(seen.uid(), "u-lease");
        assert!(!seen.is_being_deleted());
        assert!(seen.has_finalizer("orphan") && !seen.has_finalizer("orpha"));
        assert_eq!(seen.owners().collect::<Vec<_>>(), lease.metadata.owner_references);

        lease.spec.renew_time = None;
        lease.metadata.deletion_timestamp = Some(Time::new(1, 0));
        assert_eq!(renew_time(&stored(&lease)), None);
        assert!(belonging(&stored(&lease)).expect("an object").is_being_deleted());
    }

    #[test]
    fn a_renewal_does_not_change_what_ties_an_object_to_others() {
        let (before, mut after) = (lease(), lease());
        after.spec.renew_time = Some(MicroTime::new(1_700_000_010, 0));
        after.metadata.labels.insert("a".into(), "b".into());
        assert_eq!(belonging(&stored(&before)), belonging(&stored(&after)));
        after.metadata.owner_references.clear();
        assert_ne!(belonging(&stored(&before)), belonging(&stored(&after)));
    }

    #[test]
    fn bytes_that_are_no_object_show_nothing() {
        for bytes in [&b""[..], b"k8s", b"k8s\0\xff\xff", b"no object"] {
            let bytes = Bytes::copy_from_slice(bytes);
            assert_eq!(renew_time(&bytes), None);
            assert_eq!(belonging(&bytes), None);
        }
    }
}
