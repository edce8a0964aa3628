//! Random sequences of writes with the outcomes that Kubernetes' own code (apimachinery 0.36, `util/managedfields`) gave.
//!
//! A line is `{kind, ignores, ops}`; an operation has the write, then `after` and `owners`, or the `conflicts` (none when
//! the configuration itself is refused). With `ignores`, a write to the object leaves `status` alone, one through the
//! subresource `spec`. `echo` sends the live object's managed fields back, as most clients do.

use super::node::TestNode;
use super::*;

fn text<'a>(op: &'a Value, field: &str) -> &'a str {
    op[field].as_str().unwrap_or_default()
}

fn write(server: &mut Server, op: &Value) -> Result<(), ApiError> {
    let (manager, object) = (text(op, "manager"), op["object"].clone());
    if op["op"] == "apply" {
        return server.apply_with(manager, object, op["force"] == true);
    }
    let sent: Option<Vec<ManagedFieldsEntry>> = match op.get("sent") {
        Some(sent) => Some(serde_json::from_value(sent.clone()).unwrap()),
        // An empty list would be a reset.
        None if op["echo"] == true && !server.managers.is_empty() => Some(server.managers.clone()),
        None => None,
    };
    server.update_sending(manager, object, sent.as_deref());
    Ok(())
}

fn replay(case: &Value) {
    let mut server = match text(case, "kind") {
        "Lease" => Server::leases(),
        _ => Server::of(TypeCodec::of::<TestNode>(), "v1"),
    };
    for (step, op) in case["ops"].as_array().unwrap().iter().enumerate() {
        let through_status = text(op, "subresource") == "status";
        server.subresource = if through_status { "status" } else { "" };
        server.ignored = match (case["ignores"] == true, through_status) {
            (false, _) => FieldSet::new(),
            (true, false) => FieldSet::of_fields(&[&["status"]]),
            (true, true) => FieldSet::of_fields(&[&["spec"]]),
        };
        match write(&mut server, op) {
            Ok(()) => {
                assert_eq!(stored(&server), op["after"], "step {step} of {case}");
                assert_eq!(json!(server.owners()), op["owners"], "step {step} of {case}");
            }
            Err(refusal) => assert_eq!(conflicts(&refusal), op["conflicts"], "step {step} of {case}"),
        }
    }
}

/// The object without the fields that the test type has only to be like a node.
fn stored(server: &Server) -> Value {
    let mut object = server.object();
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("nodeInfo");
    }
    object
}

fn conflicts(refusal: &ApiError) -> Value {
    let causes = refusal.status().details.iter().flat_map(|details| &details.causes);
    let mut causes: Vec<String> = causes
        .map(|cause| format!("{} {}", cause.message, cause.field))
        .collect();
    causes.sort();
    json!(causes)
}

#[test]
fn every_recorded_sequence_comes_out_as_it_did_in_kubernetes() {
    for line in include_str!("recorded.jsonl").lines() {
        replay(&serde_json::from_str(line).unwrap());
    }
}
