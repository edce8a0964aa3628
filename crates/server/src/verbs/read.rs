//! Get, list and watch.

use http::{Response, StatusCode};
use leasehold_api::ApiError;
use leasehold_api::options::{GetOptions, ListOptions};

use super::Call;
use crate::in_flight::Slot;
use crate::negotiate::{self, Route, Shape};
use crate::standing::Standing;
use crate::watch::{self, EventEncoder, Watching};
use crate::{Body, encode, reply};

/// One object.
pub(super) async fn get(call: &Call<'_>) -> Result<Response<Body>, ApiError> {
    let wish = call.wish(Route::Objects)?;
    let options = GetOptions::from_query(call.query())?;
    let item = call.app.registry.get(&call.place, options.resource_version).await?;
    call.item(StatusCode::OK, wish, &item)
}

/// A collection.
pub(super) async fn list(call: &Call<'_>, options: &ListOptions) -> Result<Response<Body>, ApiError> {
    let wish = call.wish(Route::Collection)?;
    let list = call.app.registry.list(&call.place, options).await?;
    let body = encode::list(&call.form(wish), list).await?;
    Ok(wish.reply(StatusCode::OK, body))
}

/// The changes of a collection.
pub(super) async fn watch(call: &Call<'_>, options: &ListOptions, slot: Slot) -> Result<Response<Body>, ApiError> {
    let wish = call.wish_for(negotiate::stream(call.headers())?)?;
    if matches!(wish.answer.shape, Shape::PartialList(_)) {
        return Err(encode::not_a_list(&call.place));
    }
    let watched = call
        .app
        .watches
        .take(&call.user.name, call.app.limits.watches_per_user)?;
    let watch = call.app.registry.watch(&call.place, options).await?;
    let encoder = EventEncoder::new(wish.answer, wish.include, call.place.clone(), call.app.clock.clone());
    let watching = Watching {
        watch,
        encoder,
        bookmarks: options.allow_watch_bookmarks,
        timeout: options.timeout.unwrap_or_else(watch::server_timeout),
        standing: Standing::new(call),
        drain: call.app.drain.clone(),
        events: call.app.metrics.watch_events(call.series),
        counted: (slot, watched, call.app.metrics.long_running(call.series)),
    };
    let content_type = watch::content_type(wish.answer.format);
    Ok(reply::new(StatusCode::OK, content_type, watching.into_body()))
}
