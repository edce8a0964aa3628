//! A discovery object in the three forms that Kubernetes has for it.

use leasehold_api::Gvk;
use leasehold_api::codec::{protobuf, yaml};
use prost::Message;
use serde::Serialize;
use serde_json::Value;

use super::document::Representation;

/// `application/json`
pub(crate) const JSON: &str = "application/json";

/// The Content-Types of JSON, YAML and protobuf replies.
pub(super) type ContentTypes = [&'static str; 3];

/// The plain ones.
pub(super) const PLAIN: ContentTypes = [JSON, "application/yaml", "application/vnd.kubernetes.protobuf"];

#[derive(Serialize)]
struct Typed<'a, T> {
    kind: &'a str,
    #[serde(rename = "apiVersion", skip_serializing_if = "str::is_empty")]
    api_version: &'a str,
    #[serde(flatten)]
    object: &'a T,
}

/// `object` in every form. An empty version leaves out `apiVersion`.
pub(super) fn representations<T: Message + Serialize>(
    gvk: Gvk,
    object: &T,
    types: ContentTypes,
) -> Vec<Representation> {
    let typed = Typed {
        kind: gvk.kind,
        api_version: &gvk.api_version(),
        object,
    };
    let [json, yaml, protobuf] = types;
    let [answers_json, answers_yaml, answers_protobuf] = const { [&[PLAIN[0]], &[PLAIN[1]], &[PLAIN[2]]] };
    vec![
        Representation::new(json, answers_json, to_json(&typed)),
        Representation::new(yaml, answers_yaml, to_yaml(&typed)),
        Representation::new(protobuf, answers_protobuf, to_protobuf(gvk, object)),
    ]
}

fn to_json<T: Serialize>(typed: &Typed<'_, T>) -> Vec<u8> {
    let mut json = serde_json::to_vec(typed).expect("discovery types always have a JSON form");
    json.push(b'\n');
    json
}

fn to_yaml<T: Serialize>(typed: &Typed<'_, T>) -> Vec<u8> {
    let value: Value = serde_json::to_value(typed).expect("discovery types always have a JSON form");
    yaml::write(&value)
        .expect("what has a JSON form has a YAML form")
        .into_bytes()
}

fn to_protobuf<T: Message>(gvk: Gvk, object: &T) -> Vec<u8> {
    let mut out = Vec::new();
    let write = |out: &mut Vec<u8>| object.encode(out).expect("a Vec grows as needed");
    protobuf::write_envelope(gvk, object.encoded_len(), write, &mut out);
    out
}
