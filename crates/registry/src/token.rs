//! Continue tokens: where a list goes on, sealed so that nobody can point one at what they may not list.
//!
//! A token names the version of the first page and the last key sent. It is bound, by a keyed hash, to the resource and
//! namespace it was given for and to who gave it: this process, or all that share its secret. Any other server, or this one
//! after a restart, answers 410 as for a token that is too old, and the client lists again.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leasehold_api::ApiError;
use leasehold_store::Revision;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::place::Place;

const SEAL_LEN: usize = 16;
const ISSUER_LEN: usize = 8;
const FORMAT: u8 = 1;

/// What seals the tokens of one process, or of several.
pub(crate) struct TokenKey {
    secret: [u8; 32],
    /// Says openly whose token it is, so that one of another process is told from one that was tampered with.
    issuer: [u8; ISSUER_LEN],
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The version that all pages show; `None` for whatever is newest, which gives up consistency between pages.
    pub(crate) revision: Option<Revision>,
    /// The last object sent.
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl TokenKey {
    pub(crate) fn random() -> Self {
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        Self::of(secret)
    }

    /// Of all who know this secret.
    pub(crate) fn of(secret: [u8; 32]) -> Self {
        // Says nothing of the secret, and is never a seal: no content is as short.
        let digest = Sha256::new().chain_update(secret).chain_update(b"issuer").finalize();
        let mut issuer = [0; ISSUER_LEN];
        issuer.copy_from_slice(&digest[..ISSUER_LEN]);
        Self { secret, issuer }
    }

    fn seal(&self, place: &Place, content: &[u8]) -> [u8; SEAL_LEN] {
        // SHA-256 of key, lengths and content, cut to half: no length extension is of use against it.
        let mut hash = Sha256::new();
        hash.update(self.secret);
        for part in [
            place.resource.storage.as_bytes(),
            place.resource.group.as_bytes(),
            place.namespace.as_bytes(),
            content,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut seal = [0; SEAL_LEN];
        seal.copy_from_slice(&digest[..SEAL_LEN]);
        seal
    }

    pub(crate) fn write(&self, place: &Place, token: &Token) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.issuer);
        bytes.extend_from_slice(&token.revision.map_or(0, |revision| revision.0).to_be_bytes());
        bytes.extend_from_slice(token.namespace.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(token.name.as_bytes());
        let seal = self.seal(place, &bytes);
        bytes.extend_from_slice(&seal);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// 400 for what is no token or one for another list, 410 for one of another process.
    pub(crate) fn read(&self, place: &Place, text: &str) -> Result<Token, ApiError> {
        let invalid = || ApiError::bad_request("invalid continue token: it was not given for this list");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let (content, seal) = bytes.split_last_chunk::<SEAL_LEN>().ok_or_else(invalid)?;
        let (issuer, rest) = content
            .strip_prefix(&[FORMAT])
            .and_then(|rest| rest.split_first_chunk::<ISSUER_LEN>())
            .ok_or_else(invalid)?;
        if *issuer != self.issuer {
            return Err(ApiError::expired(
                "The provided continue parameter was given before the server was restarted. You must start a new list \
                 without the continue parameter.",
            ));
        }
        if !bool::from(self.seal(place, content).ct_eq(seal)) {
            return Err(invalid());
        }
        let (revision, key) = rest.split_first_chunk::<8>().ok_or_else(invalid)?;
        let key = std::str::from_utf8(key).map_err(|_| invalid())?;
        let (namespace, name) = key.split_once('\0').ok_or_else(invalid)?;
        let revision = u64::from_be_bytes(*revision);
        Ok(Token {
            revision: (revision != 0).then_some(Revision(revision)),
            namespace: namespace.into(),
            name: name.into(),
        })
    }
}
