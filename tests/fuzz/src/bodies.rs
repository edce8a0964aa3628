//! Bodies of requests, in each form.

use leasehold_api::Object;
use leasehold_api::codec::{self, Format, Target, json as to_json, protobuf as to_protobuf};

use serde_json::Value;

use crate::world::{self, WORLD};

pub(crate) fn json(data: &[u8]) {
    body(Format::Json, data);
}

pub(crate) fn yaml(data: &[u8]) {
    body(Format::Yaml, data);
}

pub(crate) fn protobuf(data: &[u8]) {
    body(Format::Protobuf, data);
}

/// Refused, or an object that can be written and read again, and be asked to be created.
fn body(format: Format, data: &[u8]) {
    let Some((place, body)) = world::place(data) else {
        return;
    };
    let target = place.target();
    let Ok(decoded) = codec::decode(format, &target, &body) else {
        return;
    };
    check_round_trip(&target, &*decoded.object);
    // Whatever it says to this.
    let _created = WORLD
        .runtime
        .block_on(WORLD.registry.create(&place, decoded, &world::dry_run()));
}

fn check_round_trip(target: &Target, object: &dyn Object) {
    let before = shown(object);
    let (mut json, mut protobuf) = (Vec::new(), Vec::new());
    to_json::write_object(target.gvk, object.as_encode(), &mut json);
    to_protobuf::write_object(target.gvk, object.as_encode(), &mut protobuf);
    for (format, written) in [(Format::Json, json), (Format::Protobuf, protobuf)] {
        let again = codec::decode(format, target, &written.into());
        let again = again.unwrap_or_else(|error| panic!("{format:?} of {before}: {error:?}"));
        assert_eq!(shown(&*again.object), before, "by way of {format:?}");
    }
}

/// The JSON form, without members that are null: a time that is there and zero is shown so, as in Kubernetes, and nobody
/// can tell it from one that is not there.
fn shown(object: &dyn Object) -> Value {
    let mut value = object.to_value();
    drop_nulls(&mut value);
    value
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
