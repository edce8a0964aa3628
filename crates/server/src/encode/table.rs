//! Tables: rows for people to read. They have no protobuf form.

use leasehold_api::codec::json;
use leasehold_api::meta::ListMeta;
use leasehold_api::options::IncludeObject;
use leasehold_api::{ApiError, Encode, Object};
use leasehold_registry::Item;
use serde::Serialize;

use super::{Form, meta_gvk, partial};
use crate::negotiate::MetaVersion;

/// Writes a table row by row.
pub(crate) struct TableWriter<'a> {
    form: &'a Form<'a>,
    version: MetaVersion,
    out: Vec<u8>,
    empty: bool,
}

impl<'a> TableWriter<'a> {
    /// Starts a table at the end of `out`; without `columns`, they are `null`.
    pub(crate) fn new(
        form: &'a Form<'a>,
        version: MetaVersion,
        metadata: &ListMeta,
        columns: bool,
        mut out: Vec<u8>,
    ) -> Self {
        out.extend_from_slice(b"{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/");
        out.extend_from_slice(version.name().as_bytes());
        out.extend_from_slice(b"\",\"metadata\":");
        metadata.write_json(&mut out);
        out.extend_from_slice(b",\"columnDefinitions\":");
        write_json(&columns.then_some(form.place.resource.view.columns), &mut out);
        out.extend_from_slice(b",\"rows\":[");
        Self {
            form,
            version,
            out,
            empty: true,
        }
    }

    /// Appends the row of an item.
    ///
    /// # Errors
    /// 500 when the store holds what cannot be read.
    pub(crate) fn item(&mut self, item: &Item) -> Result<(), ApiError> {
        let mut stored = item.stored()?;
        self.cells(&*stored);
        if self.form.include == IncludeObject::Object {
            self.whole(&*item.object()?);
        } else {
            self.rest(&mut *stored);
        }
        Ok(())
    }

    /// Appends the row of an object in the place's version.
    pub(crate) fn served(&mut self, object: Box<dyn Object>) {
        if self.form.include == IncludeObject::Object {
            let stored = self.to_stored(object.boxed_clone());
            self.cells(&*stored);
            self.whole(&*object);
        } else {
            let mut stored = self.to_stored(object);
            self.cells(&*stored);
            self.rest(&mut *stored);
        }
    }

    fn to_stored(&self, object: Box<dyn Object>) -> Box<dyn Object> {
        match self.form.place.version.convert {
            Some(convert) => (convert.to_stored)(&*object),
            None => object,
        }
    }

    fn cells(&mut self, stored: &dyn Object) {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(b"{\"cells\":");
        write_json(
            &(self.form.place.resource.view.cells)(stored, self.form.now),
            &mut self.out,
        );
        self.out.extend_from_slice(b",\"object\":");
    }

    fn whole(&mut self, object: &dyn Object) {
        json::write_object(self.form.place.gvk(), object.as_encode(), &mut self.out);
        self.out.push(b'}');
    }

    /// The metadata or nothing, and the end of the row.
    fn rest(&mut self, object: &mut dyn Object) {
        if self.form.include == IncludeObject::None {
            self.out.extend_from_slice(b"null");
        } else {
            let gvk = meta_gvk(self.version, "PartialObjectMetadata");
            json::write_object(gvk, &partial(object), &mut self.out);
        }
        self.out.push(b'}');
    }

    /// The whole table.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"]}");
        self.out
    }
}

fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("columns and cells always have a JSON form");
}
