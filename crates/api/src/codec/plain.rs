//! Whether a text is the same in JSON as it is.

/// Whether all of it is ASCII without anything that JSON escapes, as nearly every text here is.
///
/// Eight bytes at a time, for most texts are some twenty or thirty bytes long: too short for wider steps, which end with a
/// long walk over what is left.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| odd([*byte; 8]) == 0);
    };
    let (words, _) = bytes.as_chunks();
    words.iter().fold(odd(*last), |found, word| found | odd(*word)) == 0
}

/// How many bytes of these there are before the first that is not plain.
pub(crate) fn plain_of(bytes: [u8; 8]) -> usize {
    odd(bytes).trailing_zeros() as usize / 8
}

/// Not 0 if one of the bytes is not plain: a control character, a quote, a backslash, or not ASCII. The lowest bit that is
/// set is the high one of the first such byte.
fn odd(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let word = u64::from_le_bytes(bytes);
    // The high bit of the first byte below `bound` is set. After that byte others may be, by what was borrowed.
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (word | below(word, b' ') | is(b'"') | is(b'\\')) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_what_json_leaves_as_it_is() {
        for byte in 0..=u8::MAX {
            let plain = (b' '..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
            for len in 1..20 {
                for at in 0..len {
                    let mut text = vec![b'~'; len];
                    text[at] = byte;
                    assert_eq!(is_plain(&text), plain, "{text:?}");
                }
            }
        }
        assert!(is_plain(b""));
        assert_eq!(
            [b"12345678", b"\"2345678", b"1234567\n", b"12\\\"5678"].map(|word| plain_of(*word)),
            [8, 0, 7, 2]
        );
    }
}
