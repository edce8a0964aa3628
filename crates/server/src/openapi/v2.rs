//! OpenAPI 2.0 (Swagger), as JSON: one document for everything.
//!
//! kubectl still reads it, in its protobuf form (see [`super::gnostic`]), when a file holds a `kind: List`, and older
//! clients validate with it.

use serde_json::{Map, Value, json};

use super::components::Components;
use super::kinds::{Kinds, gvk_json};
use super::operations::{Operation, PathItem};
use super::parameters::Parameter;
use super::schema::Dialect;

/// The media types of the protobuf form: the one that replies say, and the one that client-go asks for, which is no
/// media type as RFC 9110 has them, but the older.
pub(super) const PROTOBUF: &[&str] = &[
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
];

/// The document of these paths.
pub(super) fn render(paths: &[PathItem], kinds: &Kinds) -> Value {
    let items: Map<_, _> = paths.iter().map(|item| (item.path.clone(), path(item))).collect();
    json!({
        "swagger": "2.0",
        "info": super::info(),
        "paths": items,
        "definitions": Components::of(Dialect::V2, kinds, paths),
    })
}

fn path(item: &PathItem) -> Value {
    let operations = item
        .operations
        .iter()
        .map(|one| (one.method.to_owned(), operation(one)));
    let mut path: Map<_, _> = operations.collect();
    if !item.parameters.is_empty() {
        path.insert(
            "parameters".to_owned(),
            item.parameters.iter().map(|one| parameter(one)).collect(),
        );
    }
    path.into()
}

fn operation(operation: &Operation) -> Value {
    let mut parameters: Vec<_> = operation.parameters.iter().map(|one| parameter(one)).collect();
    if let Some(request) = &operation.request {
        parameters.push(json!({
            "name": "body",
            "in": "body",
            // A delete may go without.
            "required": operation.method != "delete",
            "schema": Dialect::V2.reference(request.schema_name()),
        }));
    }
    let mut rendered = json!({
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.id,
        "schemes": ["https"],
        "consumes": operation.consumes,
        "produces": operation.produces,
        "parameters": parameters,
        "responses": responses(operation),
    });
    if let Some((action, gvk)) = operation.action {
        rendered["x-kubernetes-action"] = action.into();
        rendered["x-kubernetes-group-version-kind"] = gvk_json(gvk);
    }
    rendered
}

fn parameter(parameter: &Parameter) -> Value {
    let mut rendered = json!({
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "type": parameter.kind,
    });
    if parameter.place == "path" {
        rendered["required"] = true.into();
    }
    rendered
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for &(code, name) in operation.replies {
        let mut response = json!({ "description": name });
        if let Some(reply) = &operation.reply {
            response["schema"] = Dialect::V2.reference(reply.schema_name());
        }
        responses.insert(code.to_owned(), response);
    }
    responses.insert("401".to_owned(), json!({ "description": "Unauthorized" }));
    responses.into()
}
