//! Reads protobuf by field numbers alone, for tests: what our own types decode says nothing about whether the numbers
//! in them are the published ones.

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

/// The length-delimited fields of this number in a message.
pub(crate) fn fields(mut message: &[u8], number: u32) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while message.has_remaining() {
        let (tag, wire_type) = decode_key(&mut message).unwrap();
        let value = decode_varint(&mut message).unwrap();
        match wire_type {
            WireType::Varint => {}
            WireType::LengthDelimited => {
                let (bytes, rest) = message.split_at(usize::try_from(value).unwrap());
                message = rest;
                if tag == number {
                    found.push(bytes);
                }
            }
            other => panic!("{other:?} occurs in none of these messages"),
        }
    }
    found
}

/// The first field along a path of numbers; panics where there is none.
pub(crate) fn field<'a>(message: &'a [u8], path: &[u32]) -> &'a [u8] {
    path.iter().fold(message, |message, &number| {
        let found = fields(message, number);
        found
            .first()
            .copied()
            .unwrap_or_else(|| panic!("no field {number} on the way {path:?}"))
    })
}

/// The text along a path of numbers.
pub(crate) fn text<'a>(message: &'a [u8], path: &[u32]) -> &'a str {
    std::str::from_utf8(field(message, path)).unwrap()
}

/// Of several messages, the one whose field 1, its name, is this.
pub(crate) fn named<'a>(messages: &[&'a [u8]], name: &str) -> &'a [u8] {
    let found = messages.iter().find(|message| text(message, &[1]) == name);
    found.unwrap_or_else(|| panic!("nothing is called {name}"))
}
