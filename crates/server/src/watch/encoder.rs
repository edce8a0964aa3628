//! The events of one watch as bytes.

use std::sync::Arc;

use bytes::Bytes;
use leasehold_api::codec::{self, Format, json, protobuf};
use leasehold_api::options::IncludeObject;
use leasehold_api::{ApiError, Object, Time};
use leasehold_clock::Clock;
use leasehold_registry::{Event, Place};
use leasehold_store::Revision;
use serde_json::json;

use crate::encode::{self, Form};
use crate::negotiate::{Answer, Shape};

/// Marks the bookmark that ends the initial events.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// Writes the events of one watch. Whole objects are encoded once for all watchers that want the same form. White space
/// is never added: a line is an event.
pub(crate) struct EventEncoder {
    answer: Answer,
    include: IncludeObject,
    place: Place,
    clock: Arc<dyn Clock>,
    /// A table's columns are told by its first event only.
    columns: bool,
    /// One object's bytes, before they are framed.
    object: Vec<u8>,
}

impl EventEncoder {
    pub(crate) fn new(answer: Answer, include: IncludeObject, place: Place, clock: Arc<dyn Clock>) -> Self {
        Self {
            answer,
            include,
            place,
            clock,
            columns: true,
            object: Vec::new(),
        }
    }

    /// Appends an event.
    ///
    /// # Errors
    /// 500 when the store holds what cannot be read.
    pub(crate) fn event(&mut self, event: &Event, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if self.answer.shape == Shape::Whole {
            let (format, gvk) = (self.answer.format, self.place.gvk());
            let object = event.encoded(usize::from(format == Format::Protobuf), |item| {
                let mut bytes = Vec::new();
                encode::write_item(format, gvk, item, &mut bytes)?;
                Ok(Bytes::from(bytes))
            })?;
            frame(format, event.kind.name(), &object, out);
            return Ok(());
        }
        self.shaped(event.kind.name(), event.item.object()?, out)
    }

    /// Appends a bookmark: everything up to this revision has been sent.
    ///
    /// # Errors
    /// 500 if there is no empty object of this kind.
    pub(crate) fn bookmark(&mut self, at: Revision, initial_end: bool, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let mut object = codec::from_value(&self.place.target(), json!({}))
            .map_err(ApiError::internal)?
            .object;
        let metadata = object.metadata_mut();
        metadata.resource_version = at.to_string();
        if initial_end {
            metadata
                .annotations
                .insert(INITIAL_EVENTS_END.to_owned(), "true".to_owned());
        }
        self.shaped("BOOKMARK", object, out)
    }

    /// Appends the event that ends a watch that cannot go on.
    pub(crate) fn error(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        self.object.clear();
        encode::write_status(self.answer.format, error.status(), &mut self.object);
        frame(self.answer.format, "ERROR", &self.object, out);
    }

    fn shaped(&mut self, kind: &str, object: Box<dyn Object>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let columns = std::mem::replace(&mut self.columns, false);
        let now = Time::from_system(self.clock.wall());
        let form = Form {
            answer: self.answer,
            include: self.include,
            place: &self.place,
            now,
        };
        self.object.clear();
        encode::write_shaped(&form, object, columns, &mut self.object)?;
        frame(self.answer.format, kind, &self.object, out);
        Ok(())
    }
}

fn frame(format: Format, kind: &str, object: &[u8], out: &mut Vec<u8>) {
    match format {
        Format::Protobuf => protobuf::write_watch_event(kind, object, out),
        Format::Json | Format::Yaml => json::write_watch_event(kind, object, out),
    }
}
