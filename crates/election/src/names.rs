//! Names of leases that do not collide between deployments of one component.

use sha2::{Digest, Sha256};

/// Letters that Kubernetes uses in generated names: no vowels, so that no words come about, and nothing easily confused.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// The letters of the hash: 27¹⁰ is about 2⁴⁷.
const HASH_LENGTH: usize = 10;
/// The longest name that fits a label too.
const LONGEST: usize = 63;

/// `PREFIX-HASH`: a name that shows the product and differs between deployments of it, by a hash of what distinguishes them
/// (a cluster's name, a tenant, a region …). The same arguments give the same name in every version of this crate. A prefix
/// that is too long is cut, so that the name has at most 63 characters.
///
/// ```
/// let name = leasehold_election::lease_name("backup-controller", &["prod", "eu-1"]);
/// assert_eq!(name, "backup-controller-ghmqj8kbbg");
/// ```
#[must_use]
pub fn lease_name(prefix: &str, distinguishing: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in distinguishing {
        // With its length, so that ("a", "bc") and ("ab", "c") differ.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let bytes: [u8; 32] = hash.finalize().into();
    let mut number = bytes[..16]
        .iter()
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let letters = (0..HASH_LENGTH).map(|_| {
        let letter = ALPHABET[usize::try_from(number % 27).unwrap_or(0)];
        number /= 27;
        char::from(letter)
    });
    let letters: String = letters.collect();
    let prefix = cut(prefix, LONGEST - HASH_LENGTH - 1);
    format!("{prefix}-{letters}")
}

/// At most `length` bytes of `text`, not ending in what a name may not have before a dash.
fn cut(text: &str, length: usize) -> &str {
    let end = (0..=length.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    text[..end].trim_end_matches(['-', '.'])
}

#[cfg(test)]
mod tests {
    use leasehold_api::validation::name_is_dns_subdomain;

    use super::*;

    #[test]
    fn names_are_stable_and_valid() {
        let name = lease_name("app", &["a", "bc"]);
        assert_eq!(name, lease_name("app", &["a", "bc"]));
        assert_ne!(name, lease_name("app", &["ab", "c"]));
        assert_ne!(name, lease_name("app", &["a", "bc", ""]));
        for prefix in ["app", "a.b-", &"long-".repeat(40), &"x".repeat(52)] {
            let name = lease_name(prefix, &["z"]);
            assert!(name.len() <= 63, "{name}");
            assert!(name_is_dns_subdomain(&name, false).is_empty(), "{name}");
        }
    }
}
