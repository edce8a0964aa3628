//! Create, update and patch.

use bytes::Bytes;
use http::{Response, StatusCode};
use leasehold_api::ApiError;
use leasehold_api::codec::{self, Decoded};
use leasehold_api::options::{self, FieldValidation, PatchOptions};
use leasehold_registry::{PatchKind, WriteOptions, Written};

use super::{Call, Wish};
use crate::Body;
use crate::negotiate::{self, Route};

/// A new object.
pub(super) async fn create(call: &mut Call<'_>, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let wish = call.wish(Route::Objects)?;
    let asked = options::WriteOptions::create(call.query())?;
    let body = decode(call, body)?;
    let options = fill(call.write_options(&asked.field_manager, false), &asked);
    let written = call.app.registry.create(&call.place, body, &options).await;
    finish(call, wish, written, asked.field_validation)
}

/// A whole object instead of the one that is there.
pub(super) async fn update(call: &mut Call<'_>, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let wish = call.wish(Route::Objects)?;
    let asked = options::WriteOptions::update(call.query())?;
    let body = decode(call, body)?;
    let may_create = call.place.resource.create_on_update && call.place.subresource.is_none();
    let options = fill(call.write_options(&asked.field_manager, may_create), &asked);
    let written = call.app.registry.update(&call.place, body, &options).await;
    finish(call, wish, written, asked.field_validation)
}

/// A change to the object that is there; apply may create it.
pub(super) async fn patch(call: &mut Call<'_>, kind: PatchKind, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let wish = call.wish(Route::Objects)?;
    let is_apply = kind == PatchKind::Apply;
    let asked = PatchOptions::from_query(call.query(), is_apply)?;
    let mut options = fill(call.write_options(&asked.write.field_manager, is_apply), &asked.write);
    options.force = asked.force;
    let written = call.app.registry.patch(&call.place, kind, body, &options).await;
    finish(call, wish, written, asked.write.field_validation)
}

fn fill(mut options: WriteOptions, asked: &options::WriteOptions) -> WriteOptions {
    options.dry_run = asked.dry_run;
    options.strict = asked.field_validation == FieldValidation::Strict;
    options
}

fn decode(call: &Call<'_>, body: &Bytes) -> Result<Decoded, ApiError> {
    let format = negotiate::body_format(call.headers())?;
    codec::decode(format, &call.place.target(), body)
}

fn finish(
    call: &mut Call<'_>,
    wish: Wish,
    written: Result<Written, ApiError>,
    validation: FieldValidation,
) -> Result<Response<Body>, ApiError> {
    let (written, warnings) = match written {
        Ok(mut written) => {
            let warnings = std::mem::take(&mut written.warnings);
            (Ok(written), warnings)
        }
        Err(mut error) => {
            let warnings = error.take_warnings();
            (Err(error), warnings)
        }
    };
    if validation == FieldValidation::Warn {
        call.warnings = warnings;
    }
    let written = written?;
    let code = if written.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    call.item(code, wish, &written.item)
}
