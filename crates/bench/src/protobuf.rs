//! The little of protobuf that is needed without decoding a lease: finding a field, and splicing another value in.

use std::ops::Range;

use leasehold_api::MicroTime;

const MAGIC: &[u8] = b"k8s\0";
/// Fields of `runtime.Unknown`, `Lease`, `LeaseSpec`, `LeaseList` and `ListMeta`, by their published numbers.
const RAW: u64 = 2;
const SPEC: u64 = 2;
const RENEW_TIME: u64 = 4;
const METADATA: u64 = 1;
const CONTINUE: u64 = 3;

/// A field of a message: where it begins, tag and all, and where its value is.
struct Field {
    start: usize,
    value: Range<usize>,
}

/// The lease, in its envelope, with another renewTime; `None` if it has none or is no lease.
pub(crate) fn with_renew_time(lease: &[u8], now: MicroTime) -> Option<Vec<u8>> {
    if !lease.starts_with(MAGIC) {
        return None;
    }
    let raw = field(lease, MAGIC.len()..lease.len(), RAW)?;
    let spec = field(lease, raw.value.clone(), SPEC)?;
    let time = field(lease, spec.value.clone(), RENEW_TIME)?;
    let fresh = encode(now);
    let spec_len = spec.value.len() - (time.value.end - time.start) + delimited_len(fresh.len());
    let raw_len = raw.value.len() - (spec.value.end - spec.start) + delimited_len(spec_len);
    let mut out = Vec::with_capacity(lease.len() + 16);
    out.extend_from_slice(&lease[..raw.start]);
    delimited(RAW, raw_len, &mut out);
    out.extend_from_slice(&lease[raw.value.start..spec.start]);
    delimited(SPEC, spec_len, &mut out);
    out.extend_from_slice(&lease[spec.value.start..time.start]);
    delimited(RENEW_TIME, fresh.len(), &mut out);
    out.extend_from_slice(&fresh);
    out.extend_from_slice(&lease[time.value.end..]);
    Some(out)
}

/// The token for the next page in the beginning of a list in its envelope; `None` if there is none.
pub(crate) fn continue_token(head: &[u8]) -> Option<&[u8]> {
    let mut at = MAGIC.len();
    // The list is cut off, so only the ends of what comes before it are known.
    while varint(head, &mut at)? != RAW << 3 | 2 {
        at += usize::try_from(varint(head, &mut at)?).ok()?;
    }
    varint(head, &mut at)?;
    let metadata = next(head, at..head.len()).filter(|(number, _)| *number == METADATA)?.1;
    field(head, metadata.value, CONTINUE).map(|found| &head[found.value])
}

/// The last field of that number in the message that is `within`.
fn field(bytes: &[u8], within: Range<usize>, number: u64) -> Option<Field> {
    let mut at = within.start;
    let mut last = None;
    while at < within.end {
        let (this, found) = next(bytes, at..within.end)?;
        at = found.value.end;
        if this == number {
            last = Some(found);
        }
    }
    last
}

/// The number of the field that begins at the start of `within`, and where it is.
fn next(bytes: &[u8], within: Range<usize>) -> Option<(u64, Field)> {
    let mut at = within.start;
    let tag = varint(bytes, &mut at)?;
    let len = match tag & 7 {
        0 => {
            let start = at;
            varint(bytes, &mut at)?;
            let len = at - start;
            at = start;
            len
        }
        1 => 8,
        2 => usize::try_from(varint(bytes, &mut at)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let end = at.checked_add(len).filter(|end| *end <= within.end)?;
    let found = Field {
        start: within.start,
        value: at..end,
    };
    Some((tag >> 3, found))
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The tag of a field with this many bytes.
fn delimited(number: u64, len: usize, out: &mut Vec<u8>) {
    put_varint(number << 3 | 2, out);
    put_varint(len as u64, out);
}

/// How long such a field is: all tags here are a byte.
const fn delimited_len(len: usize) -> usize {
    let mut size = 2;
    let mut rest = len >> 7;
    while rest > 0 {
        size += 1;
        rest >>= 7;
    }
    size + len
}

fn encode(time: MicroTime) -> Vec<u8> {
    let mut out = Vec::with_capacity(12);
    put_varint(1 << 3, &mut out);
    put_varint(time.seconds.cast_unsigned(), &mut out);
    put_varint(2 << 3, &mut out);
    put_varint(u64::from(time.nanos.cast_unsigned()), &mut out);
    out
}
