//! OpenAPI: what can be asked of the server and what the objects look like, for kubectl (explain, validation, patches,
//! apply, diff) and for people.
//!
//! Both versions come from one description: [`operations`] says what can be done with each resource of the table, and
//! the schemas that the types carry say what their fields are. Version 3 is one document per group and version, as JSON;
//! version 2 is one document for all, as JSON and as the protobuf form that client-go asks for. No list of fields or
//! paths is kept by hand, so a new row in the table is a new part of the documents.

mod components;
mod gnostic;
mod gnostic_from_json;
mod kinds;
mod operations;
mod parameters;
mod schema;
#[cfg(test)]
mod tests;
mod v2;
mod v3;
mod verbs;

use serde_json::{Value, json};

use crate::discovery::{Document, Group, JSON, Representation};
use kinds::Kinds;
use operations::PathItem;

/// All OpenAPI documents, with their paths.
pub(crate) fn documents(groups: &[Group]) -> Vec<(String, Document)> {
    let kinds = Kinds::of(groups);
    let v2 = v2_document(groups, &kinds);
    let mut documents = v3_documents(groups, &kinds);
    documents.push(("/openapi/v3".to_owned(), index(&documents)));
    documents.push(("/openapi/v2".to_owned(), v2));
    documents
}

/// What OpenAPI says of the program itself.
fn info() -> Value {
    json!({ "title": "Leasehold", "version": env!("CARGO_PKG_VERSION") })
}

/// The documents of version 3: one for each root of discovery, each group, and each version of one.
fn v3_documents(groups: &[Group], kinds: &Kinds) -> Vec<(String, Document)> {
    let mut parts = vec![
        (
            "/api".to_owned(),
            vec![PathItem::discovery("/api/", "Core", "versions")],
        ),
        ("/apis".to_owned(), vec![PathItem::discovery("/apis/", "", "versions")]),
        ("/version".to_owned(), vec![PathItem::version()]),
    ];
    for group in groups {
        if !group.name.is_empty() {
            parts.push((format!("/apis/{}", group.name), vec![PathItem::group(group)]));
        }
        parts.extend(
            group
                .versions
                .iter()
                .map(|served| (served.path(), operations::paths(served))),
        );
    }
    let documents = parts.into_iter().map(|(path, items)| {
        let path = format!("/openapi/v3{path}");
        let document = Document::new(vec![as_json(&v3::render(&items, kinds))]).immutable_at(&path);
        (path, document)
    });
    documents.collect()
}

/// `/openapi/v3`: where the documents of version 3 are, by group and version.
fn index(documents: &[(String, Document)]) -> Document {
    let paths: serde_json::Map<_, _> = documents
        .iter()
        .filter_map(|(path, document)| {
            let name = path.strip_prefix("/openapi/v3/")?;
            Some((
                name.to_owned(),
                json!({ "serverRelativeURL": document.immutable_url()? }),
            ))
        })
        .collect();
    // Asked for with the Accept header of whatever client is at hand, so it answers to Kubernetes' protobuf too.
    let answers_to = &[JSON, "application/vnd.kubernetes.protobuf"];
    Document::new(vec![Representation::new(
        JSON,
        answers_to,
        to_json(&json!({ "paths": paths })),
    )])
}

/// `/openapi/v2`
fn v2_document(groups: &[Group], kinds: &Kinds) -> Document {
    let versions = groups.iter().flat_map(|group| &group.versions);
    let items: Vec<_> = versions.flat_map(operations::paths).collect();
    let document = v2::render(&items, kinds);
    let protobuf = Representation::new(v2::PROTOBUF[0], v2::PROTOBUF, gnostic::encode(&document));
    Document::new(vec![as_json(&document), protobuf])
}

fn as_json(document: &Value) -> Representation {
    Representation::new(JSON, &[JSON], to_json(document))
}

fn to_json(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("a JSON value always has a text")
}
