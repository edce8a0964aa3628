//! Create, update and patch.

use http::{Response, StatusCode};
use leasehold_api::ApiError;
use leasehold_api::codec::{self, Decoded};
use leasehold_api::options::{self, FieldValidation, PatchOptions};
use leasehold_registry::{PatchKind, WriteOptions, Written};

use super::{Call, Read};
use crate::Body;
use crate::negotiate::{self, Answer, Route};

/// A new object.
pub(crate) async fn create(call: &mut Call<'_>, body: &Read) -> Result<Response<Body>, ApiError> {
    let answer = call.answer(Route::Objects)?;
    call.form(answer)?;
    let asked = options::WriteOptions::create(call.query)?;
    let body = decode(call, body, &asked)?;
    let options = fill(call.write_options(&asked.field_manager, false), &asked);
    let written = call.app.registry.create(&call.place, body, &options).await?;
    finish(call, answer, written, asked.field_validation)
}

/// A whole object instead of the one that is there.
pub(crate) async fn update(call: &mut Call<'_>, body: &Read) -> Result<Response<Body>, ApiError> {
    let answer = call.answer(Route::Objects)?;
    call.form(answer)?;
    let asked = options::WriteOptions::update(call.query)?;
    let body = decode(call, body, &asked)?;
    let may_create = call.place.resource.create_on_update && call.place.subresource.is_none();
    let options = fill(call.write_options(&asked.field_manager, may_create), &asked);
    let written = call.app.registry.update(&call.place, body, &options).await?;
    finish(call, answer, written, asked.field_validation)
}

/// A change to the object that is there; apply may create it.
pub(crate) async fn patch(call: &mut Call<'_>, kind: PatchKind, body: &Read) -> Result<Response<Body>, ApiError> {
    let answer = call.answer(Route::Objects)?;
    call.form(answer)?;
    let is_apply = kind == PatchKind::Apply;
    let asked = PatchOptions::from_query(call.query, is_apply)?;
    let mut options = fill(call.write_options(&asked.write.field_manager, is_apply), &asked.write);
    options.force = asked.force;
    let written = call.app.registry.patch(&call.place, kind, body, &options).await?;
    finish(call, answer, written, asked.write.field_validation)
}

fn fill(mut options: WriteOptions, asked: &options::WriteOptions) -> WriteOptions {
    options.dry_run = asked.dry_run;
    options.strict = asked.field_validation == FieldValidation::Strict;
    options
}

fn decode(call: &Call<'_>, body: &Read, asked: &options::WriteOptions) -> Result<Decoded, ApiError> {
    let format = negotiate::body_format(&call.head.headers)?;
    let target = call.place.target();
    let decoded = codec::decode(format, &target, body)?;
    if asked.field_validation == FieldValidation::Strict && !decoded.problems.is_empty() {
        return Err(target.strict_error(&decoded.problems));
    }
    Ok(decoded)
}

fn finish(
    call: &mut Call<'_>,
    answer: Answer,
    written: Written,
    validation: FieldValidation,
) -> Result<Response<Body>, ApiError> {
    if validation == FieldValidation::Warn {
        call.warnings = written.warnings;
    }
    let code = if written.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    call.object(code, answer, written.object)
}
