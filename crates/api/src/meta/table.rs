//! [`Table`]: objects as rows for people to read, as `kubectl get` asks for. It exists in JSON only.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::meta::ListMeta;

/// Objects as rows of cells.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// Always `Table`.
    pub kind: String,
    /// Always `meta.k8s.io/v1`.
    pub api_version: String,
    /// As a list's.
    #[serde(default)]
    pub metadata: ListMeta,
    /// What each cell of a row is. In a watch, only the first event carries them; the others say `null`.
    pub column_definitions: Option<Cow<'static, [TableColumnDefinition]>>,
    /// One for each object.
    #[serde(default, deserialize_with = "crate::object::read")]
    pub rows: Vec<TableRow>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            kind: "Table".to_owned(),
            api_version: "meta.k8s.io/v1".to_owned(),
            metadata: ListMeta::default(),
            column_definitions: None,
            rows: Vec::new(),
        }
    }
}

/// One column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableColumnDefinition {
    /// The heading.
    pub name: Cow<'static, str>,
    /// The type in OpenAPI's terms, such as `string` or `integer`.
    pub r#type: Cow<'static, str>,
    /// More about the type, such as `date`; `name` for the column that holds the object's name.
    pub format: Cow<'static, str>,
    /// What the cells say.
    pub description: Cow<'static, str>,
    /// 0 for what is always shown; more for what only a wide table shows.
    pub priority: i32,
}

/// One object in a [`Table`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableRow {
    /// As many as there are column definitions.
    pub cells: Vec<Value>,
    /// What is special about the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<TableRowCondition>,
    /// The object, its metadata alone, or nothing, as the client asked.
    #[serde(default)]
    pub object: Option<Box<RawValue>>,
}

/// What is special about a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRowCondition {
    /// `Completed`: the object is done and may be shown less prominently.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// For programs: one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}
