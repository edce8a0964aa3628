//! gRPC's frames: a byte that says whether the message is compressed, four that say how long it is, the message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

const PREFIX: usize = 5;
/// Bytes of the longest message taken. Everything larger etcd cuts into fragments, or we into pages.
const MAX_MESSAGE: usize = 1 << 30;

/// The message in its frame.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    frame.freeze()
}

/// What is left over from the pieces of a body that were given, until it is a whole frame.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// What came last, from where it has not been read.
    piece: Bytes,
    /// The beginning of a frame whose end is in none of the pieces so far.
    partial: BytesMut,
}

impl Frames {
    /// Takes a piece. Only when [`Frames::next`] has said that there is no whole frame.
    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.partial.is_empty() && self.piece.is_empty() {
            self.piece = piece;
            return;
        }
        self.partial.extend_from_slice(&self.piece);
        self.piece = Bytes::new();
        self.partial.extend_from_slice(&piece);
    }

    /// The next whole message. It is decoded from a slice that is not shared, so that its parts are copied: a value that a
    /// caller keeps must not keep all that came with it.
    pub(crate) fn next<M: Message + Default>(&mut self) -> Result<Option<M>, String> {
        if self.partial.is_empty() {
            next_of(&mut self.piece)
        } else {
            next_of(&mut self.partial)
        }
    }

    /// Whether nothing is left over.
    pub(crate) fn is_empty(&self) -> bool {
        self.piece.is_empty() && self.partial.is_empty()
    }
}

fn next_of<M: Message + Default>(buffer: &mut (impl Buf + AsRef<[u8]>)) -> Result<Option<M>, String> {
    let bytes = buffer.as_ref();
    let Some((&[flag, a, b, c, d], rest)) = bytes.split_first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    if flag != 0 {
        return Err("a compressed message, which was not asked for".to_owned());
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > MAX_MESSAGE {
        return Err(format!("a message of {length} bytes"));
    }
    let Some(message) = rest.get(..length) else {
        return Ok(None);
    };
    let message = M::decode(message).map_err(|error| format!("a message that cannot be read: {error}"))?;
    buffer.advance(PREFIX + length);
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RangeRequest;

    fn message(key: &'static str) -> RangeRequest {
        RangeRequest::key(key).limit(7)
    }

    fn all(frames: &mut Frames) -> Vec<RangeRequest> {
        std::iter::from_fn(|| frames.next().unwrap()).collect()
    }

    #[test]
    fn a_frame_is_five_bytes_and_the_message() {
        let frame = framed(&message("k"));
        assert_eq!(&frame[..], b"\0\0\0\0\x05\x0a\x01k\x18\x07");
    }

    #[test]
    fn frames_come_out_however_the_body_is_cut() {
        let messages: Vec<_> = ["a", "", "a longer one", "z"].into_iter().map(message).collect();
        let body: Vec<u8> = messages.iter().flat_map(framed).collect();
        for size in 1..=body.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for piece in body.chunks(size) {
                frames.push(Bytes::copy_from_slice(piece));
                found.extend(all(&mut frames));
            }
            assert_eq!(found, messages, "cut into pieces of {size}");
            assert!(frames.is_empty());
        }
    }

    #[test]
    fn a_frame_that_is_not_whole_is_waited_for() {
        let frame = framed(&message("k"));
        let mut frames = Frames::default();
        frames.push(frame.slice(..frame.len() - 1));
        assert_eq!(all(&mut frames), []);
        assert!(!frames.is_empty());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for (bytes, why) in [
            (&b"\x01\0\0\0\0"[..], "compressed"),
            (b"\0\xff\0\0\0", "bytes"),
            (b"\0\0\0\0\x01\xff", "cannot be read"),
        ] {
            let mut frames = Frames::default();
            frames.push(Bytes::from_static(bytes));
            let error = frames.next::<RangeRequest>().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_decoded_value_is_no_slice_of_the_frame() {
        let frame = framed(&message("key"));
        let mut frames = Frames::default();
        frames.push(frame.clone());
        let decoded: RangeRequest = frames.next().unwrap().unwrap();
        let within = frame.as_ptr_range();
        assert!(!within.contains(&decoded.key.as_ptr()));
    }
}
