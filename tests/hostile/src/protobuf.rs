//! Kubernetes' protobuf written by hand, so that it can be wrong.

/// A variable-length integer.
#[must_use]
pub fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 128 {
        out.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

/// A field with a length and its bytes.
#[must_use]
pub fn bytes(tag: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    [varint(tag << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// A field with an integer.
#[must_use]
pub fn int(tag: u64, value: i64) -> Vec<u8> {
    [varint(tag << 3), varint(value.cast_unsigned())].concat()
}

/// A Lease within Kubernetes' envelope; `message` is what the Lease is.
#[must_use]
pub fn envelope(message: impl AsRef<[u8]>) -> Vec<u8> {
    enveloped("coordination.k8s.io/v1", "Lease", message)
}

/// A message within Kubernetes' envelope.
#[must_use]
pub fn enveloped(api_version: &str, kind: &str, message: impl AsRef<[u8]>) -> Vec<u8> {
    let type_meta = [bytes(1, api_version), bytes(2, kind)].concat();
    [b"k8s\0".to_vec(), bytes(1, type_meta), bytes(2, message)].concat()
}

/// The metadata of a Lease: its name, and whatever follows it.
#[must_use]
pub fn metadata(name: &str, more: impl AsRef<[u8]>) -> Vec<u8> {
    bytes(1, [bytes(1, name), more.as_ref().to_vec()].concat())
}

/// The specification of a Lease.
#[must_use]
pub fn spec(fields: impl AsRef<[u8]>) -> Vec<u8> {
    bytes(2, fields)
}

/// An entry of `managedFields` with these bytes for its `fieldsV1`.
#[must_use]
pub fn managed_fields(fields: impl AsRef<[u8]>) -> Vec<u8> {
    let time = bytes(4, int(1, 1_600_000_000));
    let fields = bytes(7, bytes(1, fields));
    let what = [bytes(1, "m"), bytes(2, "Update"), bytes(3, "coordination.k8s.io/v1")].concat();
    bytes(17, [what, time, bytes(6, "FieldsV1"), fields].concat())
}
