//! Patch: a change to what is there, in one of four forms.

use bytes::Bytes;
use leasehold_api::codec::{self, Decoded, yaml};
use leasehold_api::validation::{FieldError, Path};
use leasehold_api::{ApiError, Object, patch};
use serde_json::Value;

use crate::checks::{check_name, check_namespace, strictness};
use crate::managed;
use crate::outcome::Written;
use crate::place::{PatchKind, Place, WriteOptions};
use crate::registry::Registry;
use crate::resource::Subresource;
use crate::write::{Draft, Live, Origin};

impl Registry {
    /// Patches the object at `place`; apply creates it when it is not there.
    ///
    /// # Errors
    /// 400 and 422 for patches that make no sense, 403, 404, 409 for another version or for fields that somebody else
    /// manages.
    pub async fn patch(
        &self,
        place: &Place,
        kind: PatchKind,
        body: &Bytes,
        options: &WriteOptions,
    ) -> Result<Written, ApiError> {
        if kind == PatchKind::Apply {
            return self.apply(place, body, options).await;
        }
        let told = patch_problems(kind, body)?;
        self.replace(place, options, |live| {
            let live = live.ok_or_else(|| place.not_found())?;
            let patched = patch_value(place, kind, live, body)?;
            let mut decoded = codec::from_value(&place.target(), patched).map_err(|e| unprocessable(&e))?;
            decoded.problems.splice(0..0, told.iter().cloned());
            draft(place, decoded, options.strict, Origin::Patched)
        })
        .await
    }

    async fn apply(&self, place: &Place, body: &Bytes, options: &WriteOptions) -> Result<Written, ApiError> {
        let schema = place.version.codec.schema;
        let (mut wanted, problems) = yaml::read(schema, body).map_err(ApiError::bad_request)?;
        check_applied(place, &wanted, &problems)?;
        strip_reset(place, &mut wanted);
        self.replace(place, options, |live| {
            if live.is_none() && place.subresource.is_some() {
                return Err(place.not_found());
            }
            let writer = self.writer(options);
            let apply = |before: Option<&dyn Object>| managed::apply(place, before, &wanted, writer, options.force);
            let (value, managers) = match live {
                Some(live) => live.served(place, |before| apply(Some(before))),
                None => apply(None),
            }?;
            let decoded = codec::from_value(&place.target(), value)?;
            let mut draft = draft(place, decoded, true, Origin::Applied)?;
            draft.object.metadata_mut().managed_fields = managers;
            Ok(draft)
        })
        .await
    }
}

fn patch_value(place: &Place, kind: PatchKind, live: &Live, body: &[u8]) -> Result<Value, ApiError> {
    let target = with_type(place, live.served(place, Object::to_value));
    match kind {
        PatchKind::Json => patch::json(target, body),
        PatchKind::Merge => patch::merge(target, body),
        PatchKind::Strategic | PatchKind::Apply => patch::strategic(place.version.codec.schema, target, body),
    }
}

/// What strict validation objects to in the patch itself.
fn patch_problems(kind: PatchKind, body: &[u8]) -> Result<Vec<String>, ApiError> {
    match kind {
        PatchKind::Json => patch::json_problems(body),
        PatchKind::Merge | PatchKind::Strategic => patch::merge_problems(body),
        PatchKind::Apply => Ok(Vec::new()),
    }
}

/// Patches may look at, and change, what the object says it is.
fn with_type(place: &Place, mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.insert("apiVersion".to_owned(), place.gvk().api_version().into());
        fields.insert("kind".to_owned(), place.gvk().kind.into());
    }
    value
}

fn draft(place: &Place, decoded: Decoded, strict: bool, origin: Origin) -> Result<Draft, ApiError> {
    let warnings = strictness(place, decoded.problems, strict).map_err(|e| unprocessable(&e))?;
    let mut object = decoded.object;
    check_name(place, &*object)?;
    check_namespace(place, &mut *object)?;
    Ok(Draft {
        object,
        warnings,
        origin,
    })
}

/// A patch whose result is no object of the kind: 422, as in Kubernetes.
fn unprocessable(error: &ApiError) -> ApiError {
    let error = FieldError::invalid_bare(&Path::new("patch"), "the patched object", &error.to_string());
    ApiError::invalid("", "", "", &[error])
}

/// An applied body must say what it is, and nothing that is not in the schema.
fn check_applied(place: &Place, wanted: &Value, problems: &[String]) -> Result<(), ApiError> {
    let text = |name: &str| wanted.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let gvk = place.gvk();
    if kind != gvk.kind || !gvk.group_version().is(&api_version) {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
        return Err(ApiError::bad_request(format!(
            "invalid object type: {group}/{version}, Kind={kind}"
        )));
    }
    if let Some(problem) = problems.first() {
        let name = place.name.as_ref();
        return Err(ApiError::bad_request(format!(
            "failed to create typed patch object ({}/{name}; {gvk}): {problem}",
            place.namespace
        )));
    }
    Ok(())
}

/// What this way of writing does not write is not applied, nor owned.
fn strip_reset(place: &Place, wanted: &mut Value) {
    let Value::Object(fields) = wanted else { return };
    match place.subresource {
        Some(Subresource::Status) => drop(fields.remove("spec")),
        None if place.resource.subresource("status").is_some() => drop(fields.remove("status")),
        _ => {}
    }
}
