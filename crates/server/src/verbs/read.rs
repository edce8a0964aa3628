//! Get, list and watch.

use http::{Response, StatusCode};
use leasehold_api::ApiError;
use leasehold_api::options::{GetOptions, IncludeObject, ListOptions};

use super::Call;
use crate::in_flight::Slot;
use crate::metrics::Series;
use crate::negotiate::{self, Route, Shape};
use crate::watch::{self, EventEncoder, Watching};
use crate::{Body, encode, reply};

/// One object.
pub(crate) async fn get(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let answer = call.answer(Route::Objects)?;
    call.form(answer)?;
    let options = GetOptions::from_query(call.query)?;
    let item = call.app.registry.get(&call.place, options.resource_version).await?;
    call.object(StatusCode::OK, answer, item.object()?)
}

/// A collection.
pub(crate) async fn list(call: &Call<'_>, options: &ListOptions) -> Result<Response<Body>, ApiError> {
    let answer = call.answer(Route::Collection)?;
    let form = call.form(answer)?;
    let list = call.app.registry.list(&call.place, options).await?;
    let bytes = encode::list(&form, &list).await?;
    Ok(reply::new(StatusCode::OK, negotiate::media_type(answer.format), bytes))
}

/// The changes of a collection.
pub(crate) async fn watch(
    call: &Call<'_>,
    options: &ListOptions,
    series: Series,
    slot: Slot,
) -> Result<Response<Body>, ApiError> {
    let answer = negotiate::stream(&call.head.headers)?;
    let include = match answer.shape {
        Shape::Table(_) => IncludeObject::from_query(call.query)?,
        Shape::PartialList(_) => return Err(encode::not_a_list(&call.place)),
        Shape::Whole | Shape::Partial(_) => IncludeObject::default(),
    };
    let watch = call.app.registry.watch(&call.place, options).await?;
    let encoder = EventEncoder::new(answer, include, call.place.clone(), call.app.clock.clone());
    let watching = Watching {
        watch,
        encoder,
        bookmarks: options.allow_watch_bookmarks,
        timeout: options.timeout.unwrap_or_else(watch::server_timeout),
        drain: call.app.drain.clone(),
        events: call.app.metrics.watch_events(series),
        counted: (slot, call.app.metrics.long_running(series)),
    };
    let content_type = watch::content_type(answer.format);
    Ok(reply::new(StatusCode::OK, content_type, watching.into_body()))
}
