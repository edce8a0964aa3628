//! Requests. The types are the messages themselves: prost writes them as they are, with etcd's field numbers.

use bytes::Bytes;

/// A read of one key or of a range of keys, always linearizable: it sees every write that was answered before it was asked.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RangeRequest {
    /// The key, or the first of the range.
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// The first key after the range; empty for `key` alone; `\0` for all keys from `key` on.
    #[prost(bytes = "bytes", tag = "2")]
    pub range_end: Bytes,
    /// At most so many keys, in their order; 0 for all.
    #[prost(int64, tag = "3")]
    pub limit: i64,
    /// As it was at this revision; 0 for now.
    #[prost(int64, tag = "4")]
    pub revision: i64,
    /// Leave the values out.
    #[prost(bool, tag = "8")]
    pub keys_only: bool,
    /// Only count.
    #[prost(bool, tag = "9")]
    pub count_only: bool,
}

/// A transaction: if everything compared holds, `success` is carried out, else `failure`; all of it at one revision.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Txn {
    /// Conditions; none is true.
    #[prost(message, repeated, tag = "1")]
    pub compare: Vec<Compare>,
    /// Done when all conditions hold. No key may be put twice.
    #[prost(message, repeated, tag = "2")]
    pub success: Vec<Op>,
    /// Done when one does not.
    #[prost(message, repeated, tag = "3")]
    pub failure: Vec<Op>,
}

/// A condition on one key: equality with a number.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Compare {
    // `result` (1) is left out: 0 is EQUAL.
    #[prost(int32, tag = "2")]
    target: i32,
    #[prost(bytes = "bytes", tag = "3")]
    key: Bytes,
    #[prost(oneof = "Wanted", tags = "4, 6")]
    wanted: Option<Wanted>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Wanted {
    #[prost(int64, tag = "4")]
    Version(i64),
    #[prost(int64, tag = "6")]
    ModRevision(i64),
}

/// One thing that a transaction does.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Op {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(message, tag = "1")]
    Range(RangeRequest),
    #[prost(message, tag = "2")]
    Put(Put),
    #[prost(message, tag = "3")]
    Delete(Delete),
    #[prost(message, tag = "4")]
    Txn(Txn),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Put {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Delete {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
}

/// etcd's numbers for what is compared.
const TARGET_VERSION: i32 = 0;
const TARGET_MOD: i32 = 2;

impl RangeRequest {
    /// One key.
    #[must_use]
    pub fn key(key: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            ..Self::default()
        }
    }

    /// The keys from `key` on and before `end`.
    #[must_use]
    pub fn range(key: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            range_end: end.into(),
            ..Self::default()
        }
    }

    /// All keys that begin so.
    #[must_use]
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let end = prefix_end(&prefix);
        // etcd takes no empty key; the first that there can be begins with this.
        let first = if prefix.is_empty() { end.clone() } else { prefix };
        Self::range(first, end)
    }

    /// The same, as it was at `revision`.
    #[must_use]
    pub fn at(self, revision: i64) -> Self {
        Self { revision, ..self }
    }

    /// The same, at most `limit` keys of it.
    #[must_use]
    pub fn limit(self, limit: i64) -> Self {
        Self { limit, ..self }
    }

    /// The same, without the values.
    #[must_use]
    pub fn keys_only(self) -> Self {
        Self {
            keys_only: true,
            ..self
        }
    }

    /// How many keys the same would be.
    #[must_use]
    pub fn count_only(self) -> Self {
        Self {
            count_only: true,
            ..self
        }
    }
}

impl Compare {
    /// The key's last change was at `revision`; 0: there is no such key.
    #[must_use]
    pub fn mod_revision(key: impl Into<Bytes>, revision: i64) -> Self {
        Self {
            target: TARGET_MOD,
            key: key.into(),
            wanted: Some(Wanted::ModRevision(revision)),
        }
    }

    /// The key was written `version` times since it was created; 0: there is no such key.
    #[must_use]
    pub fn version(key: impl Into<Bytes>, version: i64) -> Self {
        Self {
            target: TARGET_VERSION,
            key: key.into(),
            wanted: Some(Wanted::Version(version)),
        }
    }
}

impl Op {
    /// Writes the value.
    #[must_use]
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Kind::Put(Put {
            key: key.into(),
            value: value.into(),
        })
        .into()
    }

    /// Deletes the key, if it is there.
    #[must_use]
    pub fn delete(key: impl Into<Bytes>) -> Self {
        Kind::Delete(Delete { key: key.into() }).into()
    }

    /// Reads the key.
    #[must_use]
    pub fn get(key: impl Into<Bytes>) -> Self {
        Self::range(RangeRequest::key(key))
    }

    /// Reads.
    #[must_use]
    pub fn range(request: RangeRequest) -> Self {
        Kind::Range(request).into()
    }

    /// A transaction within the transaction.
    #[must_use]
    pub fn txn(txn: Txn) -> Self {
        Kind::Txn(txn).into()
    }
}

impl From<Kind> for Op {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

/// The first key after all that begin with `prefix`: what to give as the end of a range.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    let kept = prefix.iter().rposition(|byte| *byte < u8::MAX);
    match kept {
        Some(last) => {
            let mut end = prefix[..=last].to_vec();
            end[last] += 1;
            end.into()
        }
        // Nothing comes after such a prefix, or the prefix is of all keys: etcd's word for that.
        None => Bytes::from_static(b"\0"),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn a_prefix_is_a_range() {
        for (prefix, key, end) in [
            (&b"a/"[..], &b"a/"[..], &b"a0"[..]),
            (b"a\xff\xff", b"a\xff\xff", b"b"),
            (b"\xff", b"\xff", b"\0"),
            (b"", b"\0", b"\0"),
        ] {
            let range = RangeRequest::prefix(prefix);
            assert_eq!((&range.key[..], &range.range_end[..]), (key, end), "{prefix:?}");
        }
    }

    /// Byte for byte as etcd's own client writes it.
    #[test]
    fn a_compare_and_swap_is_written_with_the_published_numbers() {
        let swap = Txn {
            compare: vec![Compare::mod_revision("k", 0), Compare::version("k", 3)],
            success: vec![Op::put("k", "v"), Op::delete("d")],
            failure: vec![Op::get("k"), Op::txn(Txn::default())],
        };
        let wanted = [
            &b"\x0a\x07\x10\x02\x1a\x01k\x30\x00"[..], // compare: target MOD, key, mod_revision
            b"\x0a\x05\x1a\x01k\x20\x03",              // compare: target VERSION left out, key, version
            b"\x12\x08\x12\x06\x0a\x01k\x12\x01v",     // success: request_put: key, value
            b"\x12\x05\x1a\x03\x0a\x01d",              // success: request_delete_range: key
            b"\x1a\x05\x0a\x03\x0a\x01k",              // failure: request_range: key
            b"\x1a\x02\x22\x00",                       // failure: request_txn
        ];
        assert_eq!(swap.encode_to_vec(), wanted.concat());
    }
}
