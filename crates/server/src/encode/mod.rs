//! Objects, lists and Statuses in the form that was chosen.
//!
//! An item of a list is decoded, written and dropped before the next one is looked at.

mod list;
mod pretty;
mod table;

use leasehold_api::codec::{Format, json, protobuf, yaml};
use leasehold_api::meta::{ListMeta, ObjectMeta, PartialObjectMetadata, Status};
use leasehold_api::options::IncludeObject;
use leasehold_api::{ApiError, Encode, Gvk, Object, Time};
use leasehold_registry::{Item, List, Place};
use serde_json::Value;

use crate::Body;
use crate::negotiate::{Answer, MetaVersion, Shape};

use list::Of;
pub(crate) use table::TableWriter;

/// How many items of a list are written before others get a turn.
const ITEMS_PER_TURN: usize = 500;

const STATUS: Gvk = Gvk {
    group: "",
    version: "v1",
    kind: "Status",
};

/// All that decides how objects of a place are written.
#[derive(Clone, Copy)]
pub(crate) struct Form<'a> {
    pub(crate) answer: Answer,
    pub(crate) include: IncludeObject,
    pub(crate) place: &'a Place,
    /// Rows of a table tell ages.
    pub(crate) now: Time,
}

/// A written object knows its kind by its place.
const fn meta_gvk(version: MetaVersion, kind: &'static str) -> Gvk {
    Gvk {
        group: "meta.k8s.io",
        version: version.name(),
        kind,
    }
}

/// Something with its `kind` and `apiVersion` in JSON, as the items of a list of metadata have them.
struct Typed<'a>(Gvk, &'a dyn Encode);

impl Encode for Typed<'_> {
    fn write_json(&self, out: &mut Vec<u8>) {
        json::write_object(self.0, self.1, out);
    }

    fn protobuf_len(&self) -> usize {
        self.1.protobuf_len()
    }

    fn write_protobuf(&self, out: &mut Vec<u8>) {
        self.1.write_protobuf(out);
    }
}

/// Appends a whole object. YAML has no streaming form and so is never asked for here.
pub(crate) fn write_object(format: Format, gvk: Gvk, object: &dyn Encode, out: &mut Vec<u8>) {
    match format {
        Format::Protobuf => protobuf::write_object(gvk, object, out),
        Format::Json | Format::Yaml => json::write_object(gvk, object, out),
    }
}

/// Appends a whole object as it is stored, in the version asked for.
///
/// # Errors
/// 500 when the store holds what cannot be read.
pub(crate) fn write_item(format: Format, gvk: Gvk, item: &Item, out: &mut Vec<u8>) -> Result<(), ApiError> {
    // Protobuf is about as long, JSON about twice.
    out.reserve(2 * item.bytes());
    match (item.straight()?, format) {
        (Some(stored), Format::Protobuf) => protobuf::write_stored(gvk, &stored, out)?,
        (Some(stored), Format::Json | Format::Yaml) => json::write_stored(gvk, &stored, out)?,
        (None, format) => write_object(format, gvk, item.object()?.as_encode(), out),
    }
    Ok(())
}

/// A Status, of a failure or of a success.
pub(crate) fn status(answer: Answer, status: &Status) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_object(answer.format, STATUS, status, &mut out);
    finish(answer, out)
}

/// Appends a Status as an event of a watch carries it.
pub(crate) fn write_status(format: Format, status: &Status, out: &mut Vec<u8>) {
    write_object(format, STATUS, status, out);
}

/// One stored object in the place's version.
///
/// # Errors
/// 406 when it was asked for as a list, 500 when the store holds what cannot be read.
pub(crate) fn item(form: &Form<'_>, item: &Item) -> Result<Vec<u8>, ApiError> {
    if form.answer.shape != Shape::Whole {
        return object(form, item.object()?);
    }
    let mut out = Vec::new();
    write_item(form.answer.format, form.place.gvk(), item, &mut out)?;
    Ok(finish(form.answer, out))
}

/// One object in the place's version.
///
/// # Errors
/// 406 when it was asked for as a list.
pub(crate) fn object(form: &Form<'_>, object: Box<dyn Object>) -> Result<Vec<u8>, ApiError> {
    let mut out = Vec::with_capacity(1024);
    write_shaped(form, object, true, &mut out)?;
    Ok(finish(form.answer, out))
}

/// Appends one object in the place's version, in its shape. `columns` says whether a table starts with them.
pub(crate) fn write_shaped(
    form: &Form<'_>,
    mut object: Box<dyn Object>,
    columns: bool,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let format = form.answer.format;
    match form.answer.shape {
        Shape::Whole => write_object(format, form.place.gvk(), object.as_encode(), out),
        Shape::Partial(version) => {
            write_object(
                format,
                meta_gvk(version, "PartialObjectMetadata"),
                &partial(&mut *object),
                out,
            );
        }
        Shape::PartialList(_) => return Err(not_a_list(form.place)),
        Shape::Table(version) => {
            let metadata = ListMeta {
                resource_version: object.metadata().resource_version.clone(),
                ..ListMeta::default()
            };
            let mut table = TableWriter::new(form, version, &metadata, columns, std::mem::take(out));
            table.served(object);
            *out = table.finish();
        }
    }
    Ok(())
}

/// A list.
///
/// # Errors
/// 406 when it was asked for as one object, 500 when the store holds what cannot be read.
pub(crate) async fn list(form: &Form<'_>, list: List) -> Result<Body, ApiError> {
    let (gvk, of) = match form.answer.shape {
        Shape::Whole => (form.place.resource.list_gvk(form.place.version), Of::Whole),
        Shape::PartialList(version) => (
            meta_gvk(version, "PartialObjectMetadataList"),
            Of::Metadata(meta_gvk(version, "PartialObjectMetadata")),
        ),
        Shape::Partial(_) => return Err(not_an_object(form.place)),
        Shape::Table(version) => {
            let mut table = TableWriter::new(form, version, &list.metadata, true, Vec::new());
            for turn in list.items.chunks(ITEMS_PER_TURN) {
                turn.iter().try_for_each(|item| table.item(item))?;
                tokio::task::yield_now().await;
            }
            return Ok(finish(form.answer, table.finish()).into());
        }
    };
    if is_finished(form.answer) {
        return list::body(form, gvk, of, list).await;
    }
    let bytes = list::bytes(form, gvk, of, list).await?;
    Ok(finish(form.answer, bytes).into())
}

/// Takes an object's metadata out of it.
fn partial(object: &mut dyn Object) -> PartialObjectMetadata {
    let metadata: ObjectMeta = std::mem::take(object.metadata_mut());
    PartialObjectMetadata { metadata }
}

/// Whether what is written is in its last form.
fn is_finished(answer: Answer) -> bool {
    match answer.format {
        Format::Json => !answer.pretty,
        Format::Protobuf => true,
        Format::Yaml => false,
    }
}

/// The last step from compact JSON to YAML or to JSON with white space; protobuf is done.
fn finish(answer: Answer, out: Vec<u8>) -> Vec<u8> {
    match answer.format {
        Format::Json if answer.pretty => pretty::indent(&out),
        Format::Json | Format::Protobuf => out,
        Format::Yaml => to_yaml(&out),
    }
}

fn to_yaml(json: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(json).expect("what was written just now is JSON");
    // JSON is YAML, so that even a failing writer leaves something readable.
    yaml::write(&value).map_or_else(|_| json.to_vec(), String::into_bytes)
}

pub(crate) fn not_a_list(place: &Place) -> ApiError {
    let kind = in_go(place, place.resource.kind);
    not_acceptable(format!(
        "you requested PartialObjectMetadataList, but the requested object is not a list ({kind})"
    ))
}

fn not_an_object(place: &Place) -> ApiError {
    let kind = in_go(place, place.resource.list_kind);
    not_acceptable(format!(
        "you requested PartialObjectMetadata, but the requested object is a list ({kind})"
    ))
}

/// What Kubernetes calls the Go type of what is stored: `*coordination.Lease`.
fn in_go(place: &Place, kind: &str) -> String {
    let package = match place.resource.stored.0.group {
        "" => "core",
        group => group.split('.').next().unwrap_or(group),
    };
    format!("*{package}.{kind}")
}

fn not_acceptable(message: String) -> ApiError {
    ApiError::new(406, "NotAcceptable", message)
}
