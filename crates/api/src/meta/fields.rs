//! A set of fields in Kubernetes' `FieldsV1` form, kept as the JSON text it came as.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A set of fields as nested JSON objects, such as `{"f:spec":{"f:renewTime":{}}}`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FieldsV1 {
    /// The JSON text.
    #[prost(bytes = "bytes", required, tag = "1")]
    pub raw: Bytes,
}

impl Serialize for FieldsV1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        shown(&self.raw).serialize(serializer)
    }
}

/// Fields as they are shown. Through protobuf any bytes can come in; what is not JSON is shown as no fields, never as an
/// error.
pub(crate) fn shown(raw: &[u8]) -> &RawValue {
    serde_json::from_slice(raw).unwrap_or_else(|_| {
        let instead = if raw.is_empty() { "null" } else { "{}" };
        serde_json::from_str(instead).expect("this is JSON")
    })
}

impl<'de> Deserialize<'de> for FieldsV1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<str>::from(Box::<RawValue>::deserialize(deserializer)?);
        Ok(Self {
            raw: if &*raw == "null" {
                Bytes::new()
            } else {
                Bytes::from(raw.into_boxed_bytes())
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_json_are_shown_as_no_fields() {
        for (raw, shown) in [
            ("{\"f:a\":{}}", "{\"f:a\":{}}"),
            ("", "null"),
            ("{\"f:a\"", "{}"),
            ("\u{1}", "{}"),
        ] {
            let fields = FieldsV1 {
                raw: Bytes::copy_from_slice(raw.as_bytes()),
            };
            assert_eq!(serde_json::to_string(&fields).unwrap(), shown, "{raw}");
            assert!(serde_json::to_value(&fields).is_ok(), "{raw}");
        }
    }
}
