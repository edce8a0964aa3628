//! Label and field selectors.

use std::borrow::Cow;

use leasehold_api::selector::{fields, labels};

/// Refused, or a selector that can be asked.
pub(crate) fn selectors(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(selector) = text.parse::<labels::Selector>() {
        let _matches = selector.matches(&[("a".into(), "1".into())].into());
    }
    if let Ok(selector) = text.parse::<fields::Selector>() {
        let _matches = selector.matches(|field| Some(Cow::Owned(field.to_owned())));
    }
}
