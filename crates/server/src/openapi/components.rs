//! The named schemas of a document: those it uses, and those that they refer to.

use leasehold_api::meta::ListMeta;
use leasehold_api::schema::{Schema, Shape};
use serde_json::{Map, Value, json};

use super::kinds::Kinds;
use super::operations::{Body, PathItem};
use super::schema::{self, Dialect};

/// The schema of a frame of a watch.
pub(super) const WATCH_EVENT: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent";
/// The schema of the body of a patch.
pub(super) const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// Schemas by name.
pub(super) struct Components<'a> {
    dialect: Dialect,
    kinds: &'a Kinds,
    schemas: Map<String, Value>,
}

impl<'a> Components<'a> {
    /// The schemas that these paths use.
    pub(super) fn of(dialect: Dialect, kinds: &'a Kinds, paths: &[PathItem]) -> Map<String, Value> {
        let mut components = Self {
            dialect,
            kinds,
            schemas: Map::new(),
        };
        for operation in paths.iter().flat_map(|path| &path.operations) {
            for body in operation.request.iter().chain(&operation.reply) {
                components.add_body(body);
            }
        }
        components.schemas
    }

    fn add_body(&mut self, body: &Body) {
        match body {
            Body::Object(schema) => self.add(schema),
            Body::List { name, item } => {
                self.add(item);
                self.add_list(name, item);
                self.add_watch_event();
            }
            Body::Patch => self.insert(
                PATCH,
                json!({ "description": "Patch is a change to an object, in the form that the Content-Type says.", "type": "object" }),
            ),
        }
    }

    fn add(&mut self, schema: &'static Schema) {
        if self.schemas.contains_key(schema.name) {
            return;
        }
        // Holds the place, should the type refer to itself.
        self.schemas.insert(schema.name.to_owned(), Value::Null);
        let mut refers_to = Vec::new();
        let object = schema::object(self.dialect, schema, &mut |shape| refers_to.push(shape));
        self.insert(schema.name, object.into());
        for shape in refers_to {
            self.add_shape(shape);
        }
    }

    fn add_shape(&mut self, shape: Shape) {
        match (shape, schema::name(shape)) {
            (Shape::Object(schema), _) => self.add(schema),
            (shape, Some(name)) => self.insert(name, leaf(self.dialect, shape)),
            (_, None) => {}
        }
    }

    fn add_list(&mut self, name: &str, item: &Schema) {
        self.add(ListMeta::SCHEMA);
        let reference = |name| match self.dialect {
            Dialect::V2 => self.dialect.reference(name),
            Dialect::V3 => json!({ "allOf": [self.dialect.reference(name)], "default": {} }),
        };
        let mut metadata = reference(ListMeta::SCHEMA.name);
        metadata["description"] = "Where in the store's history the list was read, and where to go on.".into();
        let items = json!({
            "description": "The objects, ordered by namespace and name.",
            "type": "array",
            "items": reference(item.name),
        });
        let mut properties = Map::from_iter(schema::type_meta());
        properties.insert("metadata".to_owned(), metadata);
        properties.insert("items".to_owned(), items);
        let kind = name.rsplit('.').next().unwrap_or(name);
        let list = json!({
            "description": format!("{kind} is a list of objects of one kind."),
            "type": "object",
            "properties": properties,
            "required": ["items"],
        });
        self.insert(name, list);
    }

    fn add_watch_event(&mut self) {
        let raw = json!({ "description": "RawExtension is any object.", "type": "object" });
        self.insert(RAW_EXTENSION, raw);
        let mut object = match self.dialect {
            Dialect::V2 => self.dialect.reference(RAW_EXTENSION),
            Dialect::V3 => json!({ "allOf": [self.dialect.reference(RAW_EXTENSION)] }),
        };
        object["description"] =
            "The object as it is now, or was just before it was deleted; a Status for an error.".into();
        let kind = json!({
            "description": "`ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.",
            "type": "string",
        });
        let event = json!({
            "description": "WatchEvent tells of one change to a watched object.",
            "type": "object",
            "properties": { "type": kind, "object": object },
            "required": ["type", "object"],
        });
        self.insert(WATCH_EVENT, event);
    }

    fn insert(&mut self, name: &str, mut schema: Value) {
        if let Some(kinds) = self.kinds.extension(name) {
            schema["x-kubernetes-group-version-kind"] = kinds;
        }
        self.schemas.insert(name.to_owned(), schema);
    }
}

/// The schema of a shape that is written as one value.
fn leaf(dialect: Dialect, shape: Shape) -> Value {
    let described = |description: &str, mut schema: Value| {
        schema["description"] = description.into();
        schema
    };
    let one_of = |first: &str, second: &str| json!([{ "type": first }, { "type": second }]);
    match (shape, dialect) {
        (Shape::Time, _) => described(
            "Time is a point in time with whole seconds, as RFC 3339 writes it.",
            json!({ "type": "string", "format": "date-time" }),
        ),
        (Shape::MicroTime, _) => described(
            "MicroTime is a point in time with microseconds, as RFC 3339 writes it, always with six decimals.",
            json!({ "type": "string", "format": "date-time" }),
        ),
        (Shape::Quantity, Dialect::V2) => described(QUANTITY, json!({ "type": "string" })),
        (Shape::Quantity, Dialect::V3) => described(QUANTITY, json!({ "oneOf": one_of("string", "number") })),
        (Shape::IntOrString, Dialect::V2) => {
            described(INT_OR_STRING, json!({ "type": "string", "format": "int-or-string" }))
        }
        (Shape::IntOrString, Dialect::V3) => described(
            INT_OR_STRING,
            json!({ "oneOf": one_of("integer", "string"), "format": "int-or-string" }),
        ),
        _ => described(
            "FieldsV1 is a set of fields as nested objects: `f:NAME` is a field, `k:KEYS` and `v:VALUE` are items of a \
             list, and `.` is the thing itself.",
            json!({ "type": "object" }),
        ),
    }
}

const QUANTITY: &str = "Quantity is a number with a unit: `m` for thousandths, `k`, `M`, `G`, … for powers of 1000, `Ki`, `Mi`, `Gi`, … for powers of 1024.";
const INT_OR_STRING: &str = "IntOrString is a number or a text.";
