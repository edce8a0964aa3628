//! HTTP/2 frames, written and read by hand.

/// What a client starts with, without its SETTINGS.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames (RFC 9113, section 6).
pub mod kind {
    #![allow(missing_docs, reason = "they are named as in the RFC")]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// The flag that ends a stream.
pub const END_STREAM: u8 = 1;
/// The flag that ends a block of headers.
pub const END_HEADERS: u8 = 4;

/// A frame.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut out = length[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// The start of a connection: the preface and SETTINGS, which change nothing.
#[must_use]
pub fn hello() -> Vec<u8> {
    [PREFACE, &frame(kind::SETTINGS, 0, 0, &[])].concat()
}

/// Headers as HPACK writes them when it compresses nothing.
#[must_use]
pub fn header_block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in headers {
        out.push(0);
        string(name, &mut out);
        string(value, &mut out);
    }
    out
}

fn string(text: &str, out: &mut Vec<u8>) {
    match u8::try_from(text.len()) {
        Ok(short @ 0..=126) => out.push(short),
        _ => {
            out.push(127);
            out.extend(crate::protobuf::varint(text.len() as u64 - 127));
        }
    }
    out.extend(text.as_bytes());
}

/// The admin's request as a block of headers.
#[must_use]
pub fn request(method: &str, path: &str) -> Vec<u8> {
    header_block(&[
        (":method", method),
        (":scheme", "https"),
        (":authority", "leasehold.test"),
        (":path", path),
        ("authorization", "Bearer admin-token"),
        ("accept", "application/json"),
    ])
}

/// The types of the frames in what was read, each with its stream and payload; an unfinished one is left out.
#[must_use]
pub fn parse(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            break;
        };
        let stream = u32::from_be_bytes([head[5] & 127, head[6], head[7], head[8]]);
        frames.push((head[3], stream, payload.to_vec()));
        bytes = rest;
    }
    frames
}

/// Whether the server said GOAWAY, and with which error code.
#[must_use]
pub fn goaway(bytes: &[u8]) -> Option<u32> {
    let frames = parse(bytes);
    let (_, _, payload) = frames.iter().rev().find(|(kind, ..)| *kind == kind::GOAWAY)?;
    let code = payload.get(4..8)?.try_into().ok()?;
    Some(u32::from_be_bytes(code))
}
