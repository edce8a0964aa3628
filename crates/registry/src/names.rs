//! Names made up for objects that ask for one.

use rand::seq::IndexedRandom as _;

/// No vowels and nothing that looks like them, so that no words come out: Kubernetes' alphabet.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LEN: usize = 5;
/// A made-up name fits wherever a DNS label does.
const NAME_MAX: usize = 63;

/// The prefix, cut if need be, and five random characters.
pub(crate) fn generate(prefix: &str) -> String {
    let mut cut = prefix.len().min(NAME_MAX - SUFFIX_LEN);
    while !prefix.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut rng = rand::rng();
    let suffix = (0..SUFFIX_LEN).map(|_| char::from(*ALPHABET.choose(&mut rng).expect("the alphabet is not empty")));
    prefix[..cut].chars().chain(suffix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_name_is_the_prefix_and_five_characters() {
        let name = generate("gen-");
        assert_eq!((name.len(), &name[..4]), (9, "gen-"));
        assert_eq!(generate(&"x".repeat(100)).len(), 63);
        assert!(generate(&"ä".repeat(100)).len() <= 63);
    }
}
