//! Objects as a server sends them to a client.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

use super::strict;
use crate::Kind;

/// An object in JSON with all that may stand beside its fields: what it says it is, and fields of later versions, which are
/// passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Received<T>(pub T);

impl<'de, T: Kind> Deserialize<'de> for Received<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut value, _unknown) = strict::read(<T as Kind>::SCHEMA, deserializer).map_err(D::Error::custom)?;
        if let Value::Object(fields) = &mut value {
            fields.remove("apiVersion");
            fields.remove("kind");
        }
        serde_json::from_value(value).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::Lease;

    #[test]
    fn an_object_is_read_whatever_stands_beside_its_fields() {
        let sent = r#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"a","later":{"b":1}},
            "spec":{"holderIdentity":"h","preferred":true},"status":{}}"#;
        let Received(lease) = serde_json::from_str::<Received<Lease>>(sent).expect("a lease");
        assert_eq!(lease.metadata.name, "a");
        assert_eq!(lease.spec.holder_identity.as_deref(), Some("h"));
        assert!(serde_json::from_str::<Received<Lease>>(r#"{"spec":{"holderIdentity":1}}"#).is_err());
    }
}
