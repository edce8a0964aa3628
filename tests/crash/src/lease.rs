//! Leases as the harness writes and reads them: paths, bodies, replies. No I/O.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::history::{Content, Event, EventKind, Nanos, Revision, Version, WriteKind};

/// All leases of the harness.
pub(crate) const COLLECTION: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
/// The label that one watcher selects by.
const LABEL: &str = "group";
/// Its values.
pub(crate) const GROUPS: [&str; 2] = ["in", "out"];

/// The path of one lease.
pub(crate) fn path(name: &str) -> String {
    format!("{COLLECTION}/{name}")
}

/// The query of a list or a watch that selects a group.
pub(crate) fn selector(group: &str) -> String {
    format!("labelSelector={LABEL}%3D{group}")
}

/// The body of a write.
pub(crate) fn body(kind: &WriteKind, name: &str, token: &str, group: &str) -> Value {
    let mut body = json!({
        "metadata": {"name": name, "labels": {LABEL: group}},
        "spec": {"holderIdentity": token, "leaseDurationSeconds": 15},
    });
    match kind {
        WriteKind::Patch => return body,
        WriteKind::Create => {}
        WriteKind::Update(expected) => {
            body["metadata"]["resourceVersion"] = expected.revision.to_string().into();
            // As every client sends back what it read. Without, a version is no precondition where nothing is.
            body["metadata"]["uid"] = (*expected.content.uid).into();
        }
    }
    body["apiVersion"] = "coordination.k8s.io/v1".into();
    body["kind"] = "Lease".into();
    body
}

/// The name and version of the lease in a reply.
pub(crate) fn read(reply: &[u8]) -> Result<(Arc<str>, Version), Error> {
    serde_json::from_slice::<Lease>(reply)?.into_version()
}

/// The uid that a deletion tells.
pub(crate) fn read_deleted(reply: &[u8]) -> Result<Arc<str>, Error> {
    Ok(serde_json::from_slice::<Deleted>(reply)?.details.uid)
}

/// A page of a list.
pub(crate) struct Page {
    pub(crate) revision: Revision,
    pub(crate) items: Vec<(Arc<str>, Version)>,
    /// Empty on the last one.
    pub(crate) next: String,
}

/// A page of a list, as it was sent.
pub(crate) fn read_page(reply: &[u8]) -> Result<Page, Error> {
    let list: List = serde_json::from_slice(reply)?;
    Ok(Page {
        revision: list.metadata.resource_version.parse()?,
        items: list
            .items
            .into_iter()
            .map(Lease::into_version)
            .collect::<Result<_, _>>()?,
        next: list.metadata.next,
    })
}

/// A line of a watch.
pub(crate) enum Line {
    Event(Event),
    /// The code of an ERROR event.
    Error(u16),
}

/// A line of a watch, as it was sent.
pub(crate) fn read_line(line: &[u8], at: Nanos) -> Result<Line, Error> {
    let line: WatchLine = serde_json::from_slice(line)?;
    let kind = match &*line.kind {
        "ADDED" => EventKind::Added,
        "MODIFIED" => EventKind::Modified,
        "DELETED" => EventKind::Deleted,
        "BOOKMARK" => EventKind::Bookmark,
        "ERROR" => return Ok(Line::Error(serde_json::from_value::<Status>(line.object)?.code)),
        other => return Err(format!("an event of type {other}").into()),
    };
    let lease: Lease = serde_json::from_value(line.object)?;
    if kind == EventKind::Bookmark {
        let revision = lease.metadata.resource_version.parse()?;
        let object = None;
        return Ok(Line::Event(Event {
            at,
            kind,
            revision,
            object,
        }));
    }
    let (name, version) = lease.into_version()?;
    Ok(Line::Event(Event {
        at,
        kind,
        revision: version.revision,
        object: Some((name, version.content)),
    }))
}

#[derive(Deserialize)]
struct Lease {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: Arc<str>,
    #[serde(default)]
    uid: Arc<str>,
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default, rename = "continue")]
    next: String,
}

#[derive(Default, Deserialize)]
struct Labels {
    #[serde(default)]
    group: Arc<str>,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default, rename = "holderIdentity")]
    holder: Arc<str>,
}

#[derive(Deserialize)]
struct List {
    metadata: Metadata,
    items: Vec<Lease>,
}

#[derive(Deserialize)]
struct WatchLine {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

#[derive(Deserialize)]
struct Deleted {
    details: Details,
}

#[derive(Deserialize)]
struct Details {
    uid: Arc<str>,
}

impl Lease {
    fn into_version(self) -> Result<(Arc<str>, Version), Error> {
        let version = Version {
            revision: self.metadata.resource_version.parse()?,
            content: Content {
                uid: self.metadata.uid,
                token: self.spec.holder,
                group: self.metadata.labels.group,
            },
        };
        Ok((self.metadata.name, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut sent = body(&WriteKind::Create, "a", "t1", "in");
        sent["metadata"]["uid"] = "u".into();
        sent["metadata"]["resourceVersion"] = "7".into();
        let (name, version) = read(sent.to_string().as_bytes()).unwrap();
        assert_eq!((&*name, version.revision), ("a", 7));
        let Content { uid, token, group } = &version.content;
        assert_eq!((&**uid, &**token, &**group), ("u", "t1", "in"));
        let update = body(&WriteKind::Update(version), "a", "t2", "out");
        assert_eq!(update["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn lines_of_a_watch_are_events_bookmarks_and_errors() {
        let line = br#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"},"spec":{}}}"#;
        assert!(matches!(
            read_line(line, 1),
            Ok(Line::Event(Event {
                revision: 9,
                object: None,
                ..
            }))
        ));
        let line = br#"{"type":"ERROR","object":{"kind":"Status","code":410}}"#;
        assert!(matches!(read_line(line, 1), Ok(Line::Error(410))));
        assert!(read_line(br#"{"type":"ADDED","obj"#, 1).is_err());
    }
}
