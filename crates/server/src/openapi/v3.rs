//! OpenAPI 3.0, as JSON: a document for each group and version.

use serde_json::{Map, Value, json};

use super::components::Components;
use super::kinds::{Kinds, gvk_json};
use super::operations::{Body, Operation, PathItem};
use super::parameters::Parameter;
use super::schema::Dialect;

/// The document of these paths.
pub(super) fn render(paths: &[PathItem], kinds: &Kinds) -> Value {
    let items: Map<_, _> = paths.iter().map(|item| (item.path.clone(), path(item))).collect();
    json!({
        "openapi": "3.0.0",
        "info": super::info(),
        "paths": items,
        "components": {
            "schemas": Components::of(Dialect::V3, kinds, paths),
            "securitySchemes": {
                "BearerToken": {
                    "description": "A bearer token; a client certificate does as well.",
                    "type": "apiKey",
                    "in": "header",
                    "name": "authorization",
                },
            },
        },
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
    let parameters: Vec<_> = operation.parameters.iter().map(|one| parameter(one)).collect();
    let mut rendered = json!({
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.id,
        "parameters": parameters,
        "responses": responses(operation),
    });
    if let Some(request) = &operation.request {
        rendered["requestBody"] = json!({ "content": content(request, operation.consumes) });
    }
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
        "schema": { "type": parameter.kind },
    });
    if parameter.place == "path" {
        rendered["required"] = true.into();
    }
    rendered
}

fn responses(operation: &Operation) -> Value {
    let mut responses: Map<_, _> = operation
        .replies
        .iter()
        .map(|&(code, name)| {
            let content = operation.reply.as_ref().map_or_else(
                || {
                    operation
                        .produces
                        .iter()
                        .map(|media_type| ((*media_type).to_owned(), json!({})))
                        .collect()
                },
                |reply| content(reply, operation.produces),
            );
            (code.to_owned(), json!({ "description": name, "content": content }))
        })
        .collect();
    responses.insert("401".to_owned(), json!({ "description": "Unauthorized" }));
    responses.into()
}

/// A body in each media type. On a stream of changes it is one change at a time.
fn content(body: &Body, media_types: &[&str]) -> Map<String, Value> {
    let schema = |media_type: &str| {
        if media_type.ends_with(";stream=watch") {
            super::components::WATCH_EVENT
        } else {
            body.schema_name()
        }
    };
    media_types
        .iter()
        .map(|&media_type| {
            let reference = Dialect::V3.reference(schema(media_type));
            (media_type.to_owned(), json!({ "schema": reference }))
        })
        .collect()
}
