//! Tests of apply and managed fields, on leases and on a type with every kind of list.
//!
//! [`Server`] does what a caller does around this module: it keeps one object and its managed fields, and sends each
//! write through. Managed fields are compared as lines, `manager operation time fields`, with the fields' exact text.

mod field_sets;
pub(crate) mod node;
mod objects;
mod properties;
mod recorded;
mod transcripts;

use serde_json::{Value, json};

use super::*;
use crate::coordination::Lease;
use crate::meta::{FieldsV1, ManagedFieldsEntry};
use crate::{ApiError, Time};

const LEASES: &str = "coordination.k8s.io/v1";

/// One object and the writes to it. The clock moves on by a second with every write.
struct Server {
    codec: TypeCodec,
    api_version: &'static str,
    object: Option<Value>,
    managers: Vec<ManagedFieldsEntry>,
    subresource: &'static str,
    ignored: FieldSet<'static>,
    now: i64,
}

impl Server {
    fn leases() -> Self {
        Self::of(TypeCodec::of::<Lease>(), LEASES)
    }

    fn of(codec: TypeCodec, api_version: &'static str) -> Self {
        Self {
            codec,
            api_version,
            object: None,
            managers: Vec::new(),
            subresource: "",
            ignored: FieldSet::new(),
            now: 0,
        }
    }

    fn request<'a>(&'a self, manager: &'a str) -> Request<'a> {
        Request {
            codec: &self.codec,
            manager,
            api_version: self.api_version,
            subresource: self.subresource,
            ignored: &self.ignored,
            versions: &|version| match version {
                "coordination.k8s.io/v1same" => Reading::SameFields,
                _ => Reading::Unknown,
            },
            now: Time::new(self.now, 0),
        }
    }

    fn kind(&self) -> &'static str {
        let name = self.codec.schema.name;
        name.rsplit_once('.').map_or(name, |(_, kind)| kind)
    }

    fn tick(&mut self) {
        self.now += 1;
    }

    /// What the store would keep: the typed object, which has no nulls.
    fn store(&mut self, object: Value) {
        let typed = (self.codec.from_value)(object).expect("a typed object");
        let mut object = typed.to_value();
        object["metadata"]["uid"] = json!("uid");
        object["metadata"].as_object_mut().unwrap().remove("managedFields");
        self.object = Some(object);
    }

    fn apply(&mut self, manager: &str, config: Value) -> Result<(), ApiError> {
        self.apply_with(manager, config, false)
    }

    fn force(&mut self, manager: &str, config: Value) {
        self.apply_with(manager, config, true).expect("force wins");
    }

    fn apply_with(&mut self, manager: &str, mut config: Value, force: bool) -> Result<(), ApiError> {
        self.tick();
        config["apiVersion"] = json!(self.api_version);
        config["kind"] = json!(self.kind());
        config["metadata"]["name"] = json!("a");
        let applied = apply(
            &self.request(manager),
            self.object.as_ref(),
            &self.managers,
            &config,
            force,
        )?;
        self.managers = applied.managers;
        self.store(applied.object);
        Ok(())
    }

    fn update(&mut self, manager: &str, object: Value) {
        self.update_sending(manager, object, None);
    }

    fn update_sending(&mut self, manager: &str, mut object: Value, sent: Option<&[ManagedFieldsEntry]>) {
        self.tick();
        object["metadata"]["name"] = json!("a");
        let object = (self.codec.from_value)(object).expect("a typed object").to_value();
        let request = self.request(manager);
        let managers = track_update(&request, self.object.as_ref(), &object, &self.managers, sent);
        self.managers = managers;
        self.store(object);
    }

    /// Changes the object as it is.
    fn edit(&mut self, manager: &str, edit: impl FnOnce(&mut Value)) {
        let mut object = self.object.clone().expect("something to edit");
        edit(&mut object);
        self.update(manager, object);
    }

    fn object(&self) -> Value {
        let mut object = self.object.clone().expect("an object");
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.remove("uid");
        metadata.remove("name");
        if metadata.is_empty() {
            object.as_object_mut().unwrap().remove("metadata");
        }
        object
    }

    fn owners(&self) -> Vec<String> {
        self.managers.iter().map(line).collect()
    }
}

fn line(entry: &ManagedFieldsEntry) -> String {
    let time = entry.time.map_or("-".to_owned(), |time| time.seconds.to_string());
    let through = if entry.subresource.is_empty() { "" } else { "/" };
    let fields = entry.fields_v1.as_ref().map_or(&b""[..], |fields| &fields.raw);
    format!(
        "{} {}{through}{} {time} {}",
        entry.manager,
        entry.operation,
        entry.subresource,
        String::from_utf8_lossy(fields)
    )
}

fn entry(manager: &str, operation: &str, api_version: &str, fields: &str) -> ManagedFieldsEntry {
    ManagedFieldsEntry {
        manager: manager.to_owned(),
        operation: operation.to_owned(),
        api_version: api_version.to_owned(),
        fields_type: "FieldsV1".to_owned(),
        fields_v1: Some(FieldsV1 {
            raw: fields.to_owned().into(),
        }),
        ..ManagedFieldsEntry::default()
    }
}
