//! From the JSON form of an OpenAPI 2.0 document to its protobuf form, so that both say the same.
//!
//! The JSON is our own (see [`super::v2`]): what is missing or of another type than expected is read as empty.

use serde_json::Value;

use super::gnostic::{
    AdditionalProperties, Any, BodyParameter, Document, Info, ItemsItem, NamedAny, NamedPathItem, NamedResponseValue,
    NamedSchema, NonBodyKind, NonBodyParameter, Operation, Parameter, ParameterKind, ParametersItem, PathItem,
    PathParameter, Paths, Properties, QueryParameter, Response, ResponseValue, Responses, Schema, SchemaItem, TypeItem,
};

impl From<&Value> for Document {
    fn from(json: &Value) -> Self {
        let info = Info {
            title: text(&json["info"], "title"),
            version: text(&json["info"], "version"),
        };
        let path = entries(&json["paths"], |name, value| NamedPathItem { name, value });
        Self {
            swagger: text(json, "swagger"),
            info: Some(info),
            paths: Some(Paths { path }),
            definitions: read(json, "definitions"),
        }
    }
}

impl From<&Value> for PathItem {
    fn from(json: &Value) -> Self {
        Self {
            get: read(json, "get"),
            put: read(json, "put"),
            post: read(json, "post"),
            delete: read(json, "delete"),
            patch: read(json, "patch"),
            parameters: list(json, "parameters"),
        }
    }
}

impl From<&Value> for Operation {
    fn from(json: &Value) -> Self {
        Self {
            tags: texts(json, "tags"),
            description: text(json, "description"),
            operation_id: text(json, "operationId"),
            produces: texts(json, "produces"),
            consumes: texts(json, "consumes"),
            parameters: list(json, "parameters"),
            responses: read(json, "responses"),
            schemes: texts(json, "schemes"),
            vendor_extension: extensions(json),
        }
    }
}

impl From<&Value> for ParametersItem {
    fn from(json: &Value) -> Self {
        let kind = match json["in"].as_str() {
            Some("body") => ParameterKind::Body(json.into()),
            Some("path") => ParameterKind::NonBody(NonBodyParameter {
                kind: Some(NonBodyKind::Path(json.into())),
            }),
            _ => ParameterKind::NonBody(NonBodyParameter {
                kind: Some(NonBodyKind::Query(json.into())),
            }),
        };
        Self {
            parameter: Some(Parameter { kind: Some(kind) }),
        }
    }
}

impl From<&Value> for BodyParameter {
    fn from(json: &Value) -> Self {
        Self {
            name: text(json, "name"),
            r#in: text(json, "in"),
            required: flag(json, "required"),
            schema: read(json, "schema"),
        }
    }
}

impl From<&Value> for QueryParameter {
    fn from(json: &Value) -> Self {
        Self {
            required: flag(json, "required"),
            r#in: text(json, "in"),
            description: text(json, "description"),
            name: text(json, "name"),
            r#type: text(json, "type"),
        }
    }
}

impl From<&Value> for PathParameter {
    fn from(json: &Value) -> Self {
        Self {
            required: flag(json, "required"),
            r#in: text(json, "in"),
            description: text(json, "description"),
            name: text(json, "name"),
            r#type: text(json, "type"),
        }
    }
}

impl From<&Value> for Responses {
    fn from(json: &Value) -> Self {
        Self {
            response_code: entries(json, |name, value| NamedResponseValue { name, value }),
        }
    }
}

impl From<&Value> for ResponseValue {
    fn from(json: &Value) -> Self {
        let response = Response {
            description: text(json, "description"),
            schema: json.get("schema").map(|schema| SchemaItem {
                schema: Some(schema.into()),
            }),
        };
        Self {
            response: Some(response),
        }
    }
}

impl From<&Value> for Schema {
    fn from(json: &Value) -> Self {
        let additional_properties = json.get("additionalProperties").map(|schema| {
            Box::new(AdditionalProperties {
                schema: Some(Box::new(schema.into())),
            })
        });
        Self {
            r#ref: text(json, "$ref"),
            format: text(json, "format"),
            description: text(json, "description"),
            required: texts(json, "required"),
            additional_properties,
            r#type: json["type"].as_str().map(|name| TypeItem {
                value: vec![name.to_owned()],
            }),
            items: json.get("items").map(|schema| ItemsItem {
                schema: vec![schema.into()],
            }),
            properties: read(json, "properties"),
            vendor_extension: extensions(json),
        }
    }
}

impl From<&Value> for Properties {
    fn from(json: &Value) -> Self {
        Self {
            additional_properties: entries(json, |name, value| NamedSchema { name, value }),
        }
    }
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_default().to_owned()
}

fn flag(json: &Value, name: &str) -> bool {
    json[name].as_bool().unwrap_or_default()
}

fn read<'a, T: From<&'a Value>>(json: &'a Value, name: &str) -> Option<T> {
    json.get(name).map(T::from)
}

fn list<'a, T: From<&'a Value>>(json: &'a Value, name: &str) -> Vec<T> {
    json[name].as_array().into_iter().flatten().map(T::from).collect()
}

fn texts(json: &Value, name: &str) -> Vec<String> {
    let texts = json[name].as_array().into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The entries of a JSON object as a list of names with values, which is how gnostic writes a map.
fn entries<'a, T: From<&'a Value>, N>(json: &'a Value, named: impl Fn(String, Option<T>) -> N) -> Vec<N> {
    let entries = json.as_object().into_iter().flatten();
    entries
        .map(|(name, value)| named(name.clone(), Some(value.into())))
        .collect()
}

/// All that starts with `x-`. The value is YAML, and JSON is that.
fn extensions(json: &Value) -> Vec<NamedAny> {
    let entries = json.as_object().into_iter().flatten();
    entries
        .filter(|(name, _)| name.starts_with("x-"))
        .map(|(name, value)| NamedAny {
            name: name.clone(),
            value: Some(Any {
                yaml: value.to_string(),
            }),
        })
        .collect()
}
