//! The schema of a type in OpenAPI's words.

use leasehold_api::schema::{Field, Merge, Patch, Schema, Shape};
use serde_json::{Map, Value, json};

/// The two versions of OpenAPI, where they say the same thing differently.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Dialect {
    /// Swagger 2.0: `#/definitions/…`
    V2,
    /// OpenAPI 3.0: `#/components/schemas/…`
    V3,
}

impl Dialect {
    /// A reference to the schema of this name, with nothing beside it.
    pub(super) fn reference(self, name: &str) -> Value {
        let root = match self {
            Self::V2 => "#/definitions/",
            Self::V3 => "#/components/schemas/",
        };
        json!({ "$ref": format!("{root}{name}") })
    }

    /// A reference that may have words beside it, which version 3 allows only around an `allOf`.
    fn described_reference(self, name: &str) -> Value {
        match self {
            Self::V2 => self.reference(name),
            Self::V3 => json!({ "allOf": [self.reference(name)] }),
        }
    }
}

/// The text of a docstring: its lines joined, paragraphs kept.
pub(super) fn text(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim()) {
        match line {
            "" => text.push_str("\n\n"),
            _ if text.is_empty() || text.ends_with('\n') => text.push_str(line),
            _ => {
                text.push(' ');
                text.push_str(line);
            }
        }
    }
    text
}

/// A type's schema, without what it stands for; `refer` is told the shape of everything it refers to.
pub(super) fn object(dialect: Dialect, schema: &Schema, refer: &mut dyn FnMut(Shape)) -> Map<String, Value> {
    let mut properties = Map::new();
    if schema.top_level {
        properties.extend(type_meta());
    }
    for field in schema.fields {
        properties.insert(field.name.to_owned(), property(dialect, field, refer));
    }
    let required: Vec<_> = schema
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let mut object = Map::new();
    object.insert("description".to_owned(), text(schema.doc).into());
    object.insert("type".to_owned(), "object".into());
    object.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        object.insert("required".to_owned(), required.into());
    }
    object
}

/// `apiVersion` and `kind`, which every whole object has.
pub(super) fn type_meta() -> [(String, Value); 2] {
    let property =
        |name: &str, description: &str| (name.to_owned(), json!({ "description": description, "type": "string" }));
    [
        property(
            "apiVersion",
            "The group and version of the kind, such as `coordination.k8s.io/v1`, or `v1` for the core group.",
        ),
        property("kind", "What the object is, such as `Lease`. It cannot be changed."),
    ]
}

fn property(dialect: Dialect, field: &Field, refer: &mut dyn FnMut(Shape)) -> Value {
    let mut property = shape(dialect, field.shape, refer);
    property["description"] = text(field.doc).into();
    if field.required
        && dialect == Dialect::V3
        && let Some(empty) = empty(field.shape)
    {
        property["default"] = empty;
    }
    merge(field, &mut property);
    patch(field, &mut property);
    property
}

/// What a required field holds when it is left out.
fn empty(shape: Shape) -> Option<Value> {
    match shape {
        Shape::String => Some("".into()),
        Shape::Boolean => Some(false.into()),
        Shape::Int32 | Shape::Int64 => Some(0.into()),
        _ => None,
    }
}

fn shape(dialect: Dialect, shape: Shape, refer: &mut dyn FnMut(Shape)) -> Value {
    match shape {
        Shape::String => json!({ "type": "string" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Int32 => json!({ "type": "integer", "format": "int32" }),
        Shape::Int64 => json!({ "type": "integer", "format": "int64" }),
        Shape::Bytes => json!({ "type": "string", "format": "byte" }),
        Shape::List(item) => json!({ "type": "array", "items": element(dialect, *item, refer) }),
        Shape::Map(value) => json!({ "type": "object", "additionalProperties": element(dialect, *value, refer) }),
        Shape::Object(_) | Shape::Time | Shape::MicroTime | Shape::Quantity | Shape::IntOrString | Shape::RawObject => {
            refer(shape);
            dialect.described_reference(name(shape).unwrap_or_default())
        }
    }
}

/// What a list or a map holds. Elements are never null, so each has a default in version 3, as in Kubernetes.
fn element(dialect: Dialect, of: Shape, refer: &mut dyn FnMut(Shape)) -> Value {
    let mut element = shape(dialect, of, refer);
    let empty = empty(of).or_else(|| name(of).map(|_| json!({})));
    if let (Dialect::V3, Some(empty)) = (dialect, empty) {
        element["default"] = empty;
    }
    element
}

/// The name of a shape that has a schema of its own.
pub(super) fn name(shape: Shape) -> Option<&'static str> {
    match shape {
        Shape::Object(schema) => Some(schema.name),
        Shape::Time => Some("io.k8s.apimachinery.pkg.apis.meta.v1.Time"),
        Shape::MicroTime => Some("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"),
        Shape::Quantity => Some("io.k8s.apimachinery.pkg.api.resource.Quantity"),
        Shape::IntOrString => Some("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
        Shape::RawObject => Some("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"),
        _ => None,
    }
}

/// How apply treats the field. A list that nothing is said of is one value, which Kubernetes says outright.
fn merge(field: &Field, property: &mut Value) {
    let list = matches!(field.shape, Shape::List(_));
    match field.merge {
        Merge::Usual | Merge::Atomic if list => property["x-kubernetes-list-type"] = "atomic".into(),
        Merge::Usual => {}
        Merge::Atomic => property["x-kubernetes-map-type"] = "atomic".into(),
        Merge::Set => property["x-kubernetes-list-type"] = "set".into(),
        Merge::Keyed(keys) => {
            property["x-kubernetes-list-type"] = "map".into();
            property["x-kubernetes-list-map-keys"] = keys.into();
        }
    }
}

/// How a strategic merge patch treats the field.
fn patch(field: &Field, property: &mut Value) {
    if field.patch != Patch::Replace {
        property["x-kubernetes-patch-strategy"] = "merge".into();
    }
    if let Patch::MergeKey(key) = field.patch {
        property["x-kubernetes-patch-merge-key"] = key.into();
    }
}

#[cfg(test)]
mod tests {
    use leasehold_api::meta::ObjectMeta;

    use super::*;

    fn rendered(dialect: Dialect, field: &Field) -> Value {
        property(dialect, field, &mut |_| {})
    }

    fn field(shape: Shape) -> Field {
        Field::new("field", &[" It", " is.", "", " More."], shape, false)
    }

    #[test]
    fn a_docstring_becomes_one_text_with_its_paragraphs() {
        assert_eq!(text(&[" One", " and", "", " two."]), "One and\n\ntwo.");
        assert_eq!(text(&[]), "");
    }

    #[test]
    fn scalars_have_types_and_formats() {
        for (shape, kind, format) in [
            (Shape::String, "string", None),
            (Shape::Boolean, "boolean", None),
            (Shape::Int32, "integer", Some("int32")),
            (Shape::Int64, "integer", Some("int64")),
            (Shape::Bytes, "string", Some("byte")),
        ] {
            let mut expected = json!({ "type": kind, "description": "It is.\n\nMore." });
            if let Some(format) = format {
                expected["format"] = format.into();
            }
            assert_eq!(rendered(Dialect::V2, &field(shape)), expected);
            assert_eq!(rendered(Dialect::V3, &field(shape)), expected);
        }
    }

    #[test]
    fn a_reference_with_words_beside_it_is_wrapped_in_version_3_only() {
        assert_eq!(
            rendered(Dialect::V2, &field(Shape::Time))["$ref"],
            "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Time"
        );
        let reference = json!([{ "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time" }]);
        assert_eq!(rendered(Dialect::V3, &field(Shape::Time))["allOf"], reference);
    }

    #[test]
    fn elements_and_required_scalars_have_defaults_in_version_3_only() {
        let map = rendered(Dialect::V3, &field(Shape::Map(&Shape::Quantity)));
        assert_eq!(map["additionalProperties"]["default"], json!({}));
        let list = rendered(Dialect::V3, &field(Shape::List(&Shape::String)));
        assert_eq!(list["items"], json!({ "type": "string", "default": "" }));
        let required = || Field::new("field", &[], Shape::Int32, true);
        assert_eq!(rendered(Dialect::V3, &required())["default"], 0);
        assert_eq!(rendered(Dialect::V2, &required()).get("default"), None);
        assert_eq!(rendered(Dialect::V3, &field(Shape::Int32)).get("default"), None);
    }

    #[test]
    fn merging_is_told_as_apply_does_it() {
        const STRINGS: Shape = Shape::List(&Shape::String);
        const OBJECT: Shape = Shape::Object(ObjectMeta::SCHEMA);
        let extensions = |shape, merge| -> Value {
            let rendered = rendered(Dialect::V3, &Field { merge, ..field(shape) });
            let all = rendered.as_object().unwrap().clone().into_iter();
            all.filter(|(name, _)| name.starts_with("x-"))
                .collect::<Map<_, _>>()
                .into()
        };
        let atomic_list = json!({ "x-kubernetes-list-type": "atomic" });
        assert_eq!(extensions(STRINGS, Merge::Usual), atomic_list);
        assert_eq!(extensions(STRINGS, Merge::Atomic), atomic_list);
        assert_eq!(
            extensions(STRINGS, Merge::Set),
            json!({ "x-kubernetes-list-type": "set" })
        );
        assert_eq!(
            extensions(Shape::List(&OBJECT), Merge::Keyed(&["a", "b"])),
            json!({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"] })
        );
        assert_eq!(
            extensions(OBJECT, Merge::Atomic),
            json!({ "x-kubernetes-map-type": "atomic" })
        );
        assert_eq!(extensions(OBJECT, Merge::Usual), json!({}));
    }

    #[test]
    fn strategic_merging_is_told_where_it_does_not_replace() {
        let with = |patch| {
            rendered(
                Dialect::V2,
                &Field {
                    patch,
                    ..field(Shape::List(&Shape::String))
                },
            )
        };
        assert_eq!(with(Patch::Replace).get("x-kubernetes-patch-strategy"), None);
        assert_eq!(with(Patch::Merge)["x-kubernetes-patch-strategy"], "merge");
        assert_eq!(with(Patch::Merge).get("x-kubernetes-patch-merge-key"), None);
        assert_eq!(with(Patch::MergeKey("uid"))["x-kubernetes-patch-merge-key"], "uid");
    }

    #[test]
    fn a_whole_object_says_what_it_is_and_what_it_refers_to() {
        static FIELDS: [Field; 2] = [
            Field::new("spec", &[], Shape::Object(ObjectMeta::SCHEMA), false),
            Field::new("name", &[], Shape::String, true),
        ];
        let schema = Schema {
            name: "Whole",
            doc: &[" Doc."],
            fields: &FIELDS,
            top_level: true,
        };
        let mut referred = Vec::new();
        let whole = object(Dialect::V3, &schema, &mut |shape| referred.extend(name(shape)));
        assert_eq!(referred, [ObjectMeta::SCHEMA.name]);
        let properties: Vec<_> = whole["properties"].as_object().unwrap().keys().collect();
        assert_eq!(properties, ["apiVersion", "kind", "name", "spec"]);
        assert_eq!(
            (&whole["required"], &whole["description"]),
            (&json!(["name"]), &json!("Doc."))
        );
        let part = object(
            Dialect::V3,
            &Schema {
                top_level: false,
                ..schema
            },
            &mut |_| {},
        );
        assert_eq!(part["properties"].get("kind"), None);
    }
}
