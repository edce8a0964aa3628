//! Which pods are on a node? None: there are no pods here.
//!
//! `kubectl describe node` asks, and shows nothing at all where the answer is that there is no such resource. Any other
//! question about pods gets that answer.

use http::{Method, Response, StatusCode};
use leasehold_api::codec::{Format, protobuf, yaml};
use leasehold_api::meta::ListMeta;
use leasehold_api::options::Query;
use leasehold_api::{ApiError, Gvk};
use leasehold_store::Revision;
use serde_json::json;

use crate::app::Asked;
use crate::negotiate::{self, Route};
use crate::request_info::{ResourcePath, Verb};
use crate::{Body, reply};

const PODS: Gvk = Gvk {
    group: "",
    version: "v1",
    kind: "PodList",
};

/// Whether the request asks for the pods of a node.
pub(crate) fn asks(asked: &Asked<'_>, path: &ResourcePath<'_>) -> bool {
    let all_pods = (path.group, path.version, path.resource, path.namespace, path.name) == ("", "v1", "pods", "", "");
    let selector = Query::new(asked.query).first("fieldSelector").unwrap_or("");
    all_pods
        && asked.info.verb == Verb::List
        && asked.head.method == Method::GET
        && selector.split(',').any(|term| term.starts_with("spec.nodeName="))
}

/// An empty list, as of `revision`.
pub(crate) fn reply(asked: &Asked<'_>, revision: Revision) -> Result<Response<Body>, ApiError> {
    let answer = negotiate::object(&asked.head.headers, Route::Collection)?;
    let metadata = ListMeta {
        resource_version: revision.to_string(),
        ..ListMeta::default()
    };
    let list = json!({
        "kind": PODS.kind,
        "apiVersion": PODS.version,
        "metadata": {"resourceVersion": metadata.resource_version},
        "items": [],
    });
    let bytes = match answer.format {
        Format::Protobuf => protobuf::ListWriter::new(PODS, &metadata, 0).finish(),
        Format::Json => list.to_string().into_bytes(),
        Format::Yaml => yaml::write(&list).map_err(ApiError::internal)?.into_bytes(),
    };
    Ok(reply::new(StatusCode::OK, negotiate::media_type(answer.format), bytes))
}
