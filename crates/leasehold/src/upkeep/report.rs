//! What a look at a data directory has found: a few lines for people, one object for programs.

use std::fmt::Write as _;

use leasehold_store::embedded::{Content, Inspection};
use serde_json::{Value, json};

use crate::printer::escape_controls;

/// Problems that people are told of.
const TOLD: usize = 50;

/// Lines for people.
pub(super) fn text(found: &Inspection) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    if let Some(content) = &found.content {
        let _ = writeln!(out, "resourceVersion {}", content.revision);
        for resource in &content.resources {
            let (name, objects, bytes) = (resource.resource, resource.objects, resource.bytes);
            let _ = writeln!(out, "{name}: {objects} objects, {bytes} bytes");
        }
        if let Some((file, offset)) = &content.interrupted {
            let what = "a write that was interrupted and never acknowledged; the next start removes it";
            let _ = writeln!(out, "{file} at byte {offset}: {what}");
        }
    }
    let (segments, snapshots) = (found.segments.len(), found.snapshots.len());
    let _ = writeln!(
        out,
        "{segments} segments, {snapshots} snapshots, {} bytes",
        bytes(found)
    );
    for problem in found.problems.iter().take(TOLD) {
        let what = escape_controls(&problem.what);
        let _ = writeln!(out, "{} is damaged at byte {}: {what}", problem.file, problem.offset);
    }
    if found.problems.len() > TOLD {
        let _ = writeln!(out, "and more: -o json names them all");
    }
    let _ = write!(out, "problems: {}", found.problems.len());
    out
}

/// One object for programs. `revision` and `resources` are null where the content cannot be read.
pub(super) fn json(found: &Inspection) -> String {
    let content = found.content.as_ref();
    let resources = content.map(resources);
    let segments = found.segments.iter().map(|segment| {
        json!({
            "file": segment.file,
            "bytes": segment.size,
            "usedBytes": segment.used,
            "groups": segment.groups,
            "changes": segment.changes,
        })
    });
    let snapshots = found.snapshots.iter().map(|snapshot| {
        json!({
            "file": snapshot.file,
            "bytes": snapshot.size,
            "revision": snapshot.revision.0,
            "objects": snapshot.objects,
        })
    });
    let problems = found
        .problems
        .iter()
        .map(|problem| json!({ "file": problem.file, "offset": problem.offset, "what": problem.what }));
    let interrupted = content.and_then(|content| content.interrupted.as_ref());
    let report = json!({
        "revision": content.map(|content| content.revision.0),
        "resources": resources,
        "bytes": bytes(found),
        "segments": segments.collect::<Value>(),
        "snapshots": snapshots.collect::<Value>(),
        "leftovers": found.leftovers,
        "interrupted": interrupted.map(|(file, offset)| json!({ "file": file, "offset": offset })),
        "problems": problems.collect::<Value>(),
    });
    format!("{report:#}")
}

fn resources(content: &Content) -> Value {
    let resources = content.resources.iter().map(|resource| {
        let figures = json!({ "objects": resource.objects, "bytes": resource.bytes });
        (resource.resource.to_owned(), figures)
    });
    Value::Object(resources.collect())
}

/// Of all files, reserved ones included.
fn bytes(found: &Inspection) -> u64 {
    let segments = found.segments.iter().map(|segment| segment.size);
    segments
        .chain(found.snapshots.iter().map(|snapshot| snapshot.size))
        .sum()
}
