//! A set of fields in Kubernetes' `FieldsV1` form, kept as the JSON text it came as.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error as _, Serialize, Serializer};
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
        if self.raw.is_empty() {
            return serializer.serialize_unit();
        }
        let raw: &RawValue = serde_json::from_slice(&self.raw).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FieldsV1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let raw = raw.get();
        Ok(Self {
            raw: if raw == "null" {
                Bytes::new()
            } else {
                Bytes::copy_from_slice(raw.as_bytes())
            },
        })
    }
}
