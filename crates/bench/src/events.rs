//! The events of a watch, cut out of what comes on the wire and looked at no closer than needed.

use bytes::{Buf, BytesMut};
use memchr::{memchr, memmem};

use crate::api::Encoding;
use crate::body::mark;

/// Bytes at the beginning of an event in which its type is, in either encoding.
const TYPE_WITHIN: usize = 32;
/// Bytes of the length before each event in protobuf.
const LENGTH: usize = 4;

/// Puts pieces together and takes events out.
pub(crate) struct Events {
    encoding: Encoding,
    waiting: BytesMut,
}

impl Events {
    pub(crate) const fn new(encoding: Encoding, waiting: BytesMut) -> Self {
        Self { encoding, waiting }
    }

    /// Takes up a piece of the stream, and calls `with` for the number of each write that it completes the event of.
    pub(crate) fn take(&mut self, piece: &[u8], mut with: impl FnMut(u32)) {
        self.waiting.extend_from_slice(piece);
        while let Some((skip, len)) = self.next() {
            self.waiting.advance(skip);
            if let Some(number) = written(&self.waiting[..len]) {
                with(number);
            }
            self.waiting.advance(len);
        }
    }

    /// Bytes to skip, and the length of the event after them, if it is here as a whole.
    fn next(&self) -> Option<(usize, usize)> {
        match self.encoding {
            Encoding::Json => Some((0, memchr(b'\n', &self.waiting)? + 1)),
            Encoding::Protobuf => {
                let length = self.waiting.first_chunk::<LENGTH>()?;
                let len = u32::from_be_bytes(*length) as usize;
                (self.waiting.len() >= LENGTH + len).then_some((LENGTH, len))
            }
        }
    }
}

/// The number of the write that the event tells of: a change of a lease that carries one.
fn written(event: &[u8]) -> Option<u32> {
    let start = &event[..event.len().min(TYPE_WITHIN)];
    memmem::find(start, b"MODIFIED")?;
    mark::read(event).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    fn event(encoding: Encoding, kind: &str, number: u32) -> Vec<u8> {
        use leasehold_api::codec;
        let lease = body::create(encoding, "ns", "name", &mark::holder(number), crate::fleet::now());
        let mut out = Vec::new();
        match encoding {
            Encoding::Json => codec::json::write_watch_event(kind, &lease, &mut out),
            Encoding::Protobuf => codec::protobuf::write_watch_event(kind, &lease, &mut out),
        }
        out
    }

    /// However the stream is cut, and with other events between, each change is told once and in order.
    #[test]
    fn events_are_found_however_they_are_cut() {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            let stream = [
                event(encoding, "MODIFIED", 7),
                event(encoding, "ADDED", 8),
                event(encoding, "BOOKMARK", 9),
                event(encoding, "MODIFIED", 0),
                event(encoding, "DELETED", 10),
                event(encoding, "MODIFIED", 11),
            ]
            .concat();
            for size in [1, 2, 3, 5, 64, 300, stream.len()] {
                let mut events = Events::new(encoding, BytesMut::new());
                let mut told = Vec::new();
                for piece in stream.chunks(size) {
                    events.take(piece, |number| told.push(number));
                }
                assert_eq!(told, [7, 11], "{encoding:?} in pieces of {size}");
                assert!(events.waiting.is_empty());
            }
        }
    }
}
