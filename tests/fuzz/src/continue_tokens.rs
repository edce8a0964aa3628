//! Continue tokens: any text, and real ones with something changed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leasehold_api::ApiError;
use leasehold_api::options::{ListOptions, Query};
use leasehold_registry::{List, Place, resources};

use crate::world::WORLD;

/// Any text is refused; and a real token is, if any of these bytes changes it.
pub(crate) fn continue_token(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && !text.is_empty()
    {
        // Were it a real one, the fuzzer would have guessed a key of 32 bytes.
        assert!(list(text).is_err(), "a token that nobody gave");
    }
    let real = real();
    assert!(list(&real).is_ok());
    let mut bytes = URL_SAFE_NO_PAD.decode(&real).expect("our own");
    let before = bytes.clone();
    bytes.iter_mut().zip(data).for_each(|(byte, change)| *byte ^= change);
    bytes.extend(data.iter().skip(before.len()));
    if bytes != before {
        assert!(
            list(&URL_SAFE_NO_PAD.encode(bytes)).is_err(),
            "a token that was changed"
        );
    }
}

/// Where the first page of the namespaces ends.
fn real() -> String {
    list("").expect("a list").metadata.r#continue.to_string()
}

fn list(token: &str) -> Result<List, ApiError> {
    let pairs = [("limit".into(), "1".into()), ("continue".into(), token.into())];
    let options = ListOptions::from_query(Query::new(&pairs))?;
    let place = Place::collection(&resources::NAMESPACES, "");
    WORLD.runtime.block_on(WORLD.registry.list(&place, &options))
}
