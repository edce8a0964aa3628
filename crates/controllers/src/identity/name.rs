//! The name of a server, which is that of its Lease.

use sha2::{Digest as _, Sha256};

/// The name that kube-apiserver gives itself on a host: `apiserver-` and a digest of host and component in base32.
pub(super) fn of_server(hostname: &str, component: &str) -> String {
    let mut digest = Sha256::new();
    for part in [hostname, component] {
        // A length before each part keeps ("ab", "c") apart from ("a", "bc"). No host name is longer than that.
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        digest.update(length.to_be_bytes());
        digest.update(part.as_bytes());
    }
    format!("apiserver-{}", base32(&digest.finalize()[..16]))
}

/// RFC 4648 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut count) = (0_u16, 0);
    for byte in bytes {
        bits = bits << 8 | u16::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[usize::from(bits >> count & 31)]));
        }
    }
    if count > 0 {
        text.push(char::from(ALPHABET[usize::from(bits << (5 - count) & 31)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_as_kube_apiserver_names_itself() {
        // Recorded from a kube-apiserver 1.36 on a host of this name.
        assert_eq!(
            of_server("vm", "kube-apiserver"),
            "apiserver-wlv32tlttr4jl3gtroqexyxapa"
        );
    }

    #[test]
    fn base32_is_that_of_the_standard() {
        // The test vectors of RFC 4648, section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
