//! Objects that Kubernetes itself encoded: our types must read the same from protobuf and from JSON, and write both
//! back without loss.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leasehold_api::coordination::{Lease, LeaseCandidate};
use leasehold_api::core::{Event, Namespace, Node};
use leasehold_api::events;
use leasehold_api::meta::{ObjectMeta, Status};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(serde::Deserialize)]
struct Golden {
    samples: Vec<Sample>,
}

#[derive(serde::Deserialize)]
struct Sample {
    about: String,
    base64: String,
    json: Value,
}

fn samples() -> Vec<Sample> {
    let golden: Golden = serde_json::from_str(include_str!("data/golden.json")).unwrap();
    golden.samples
}

/// What the envelope around every protobuf object holds.
#[derive(Clone, PartialEq, Message)]
struct Unknown {
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
}

fn without_envelope(base64: &str) -> Vec<u8> {
    let bytes = STANDARD.decode(base64).unwrap();
    let message = bytes.strip_prefix(b"k8s\0").unwrap();
    Unknown::decode(message).unwrap().raw
}

/// The JSON form without what this crate's codec adds around an object, and without what only the store knows.
fn comparable(mut json: Value) -> Value {
    let fields = json.as_object_mut().unwrap();
    fields.remove("kind");
    fields.remove("apiVersion");
    json["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    json
}

fn check<T>(sample: &Sample)
where
    T: Message + Default + PartialEq + Serialize + DeserializeOwned,
{
    let about = &sample.about;
    let raw = without_envelope(&sample.base64);
    let from_protobuf = T::decode(raw.as_slice()).unwrap();
    let wanted = comparable(sample.json.clone());
    let printed = comparable(serde_json::to_value(&from_protobuf).unwrap());
    assert_eq!(printed, wanted, "{about}: JSON of what protobuf says");

    let from_json: T = serde_json::from_value(wanted.clone()).unwrap();
    let printed = comparable(serde_json::to_value(&from_json).unwrap());
    assert_eq!(printed, wanted, "{about}: JSON of what JSON says");

    let again = T::decode(from_protobuf.encode_to_vec().as_slice()).unwrap();
    assert!(again == from_protobuf, "{about}: protobuf of what protobuf says");
}

#[test]
fn types_read_and_write_what_kubernetes_does() {
    let samples = samples();
    assert_eq!(samples.len(), 15);
    for sample in &samples {
        match (sample.json["kind"].as_str(), sample.json["apiVersion"].as_str()) {
            (Some("Lease"), _) => check::<Lease>(sample),
            (Some("LeaseCandidate"), _) => check::<LeaseCandidate>(sample),
            (Some("Namespace"), _) => check::<Namespace>(sample),
            (Some("Node"), _) => check::<Node>(sample),
            (Some("Event"), Some("v1")) => check::<Event>(sample),
            (Some("Event"), _) => check::<events::Event>(sample),
            (Some("Status"), _) => check::<Status>(sample),
            other => panic!("no type for {other:?}"),
        }
    }
}

#[test]
fn required_parts_are_written_even_when_empty() {
    // Go writes these fields always, and its readers count on them: bytes must agree, not only meaning.
    for sample in samples().iter().filter(|sample| sample.about.contains("no field set")) {
        let raw = without_envelope(&sample.base64);
        let ours = match (sample.json["kind"].as_str(), sample.json["apiVersion"].as_str()) {
            (Some("Node"), _) => Node::default().encode_to_vec(),
            (Some("Event"), Some("v1")) => Event::default().encode_to_vec(),
            _ => events::Event::default().encode_to_vec(),
        };
        assert_eq!(ours, raw, "{}", sample.about);
    }
}

#[test]
fn events_lose_nothing_between_their_two_forms() {
    let samples = samples();
    let sample = |about: &str| {
        let found = samples.iter().find(|sample| sample.about == about);
        without_envelope(&found.unwrap().base64)
    };
    let core = Event::decode(sample("an event with every field set").as_slice()).unwrap();
    let newer = sample("an event of events.k8s.io with every field set");
    let newer = events::Event::decode(newer.as_slice()).unwrap();
    // The samples were written with the same values in every field that corresponds.
    assert_eq!(events::to_core(newer.clone()), core);
    assert_eq!(events::from_core(core), newer);
    assert_ne!(newer.metadata, ObjectMeta::default());
}
