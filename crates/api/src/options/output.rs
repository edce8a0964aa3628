//! How the reply is to look.

use super::Query;
use crate::ApiError;
use crate::validation::{FieldError, Path};

/// What a row of a Table carries of its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    /// Nothing.
    None,
    /// Its metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

impl IncludeObject {
    /// Reads `includeObject`; 400 for values unknown. Asked only when the reply is a Table.
    pub fn from_query(query: Query<'_>) -> Result<Self, ApiError> {
        match query.text("includeObject") {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            other => {
                let detail = "must be 'Metadata', 'Object', 'None', or empty";
                let error = FieldError::invalid(&Path::new("includeObject"), other, detail);
                let message = format!("Unable to convert to Table as requested: {error}");
                Err(ApiError::bad_request(message))
            }
        }
    }
}

/// Whether the reply is to be laid out for reading: as `pretty` says, else for browsers and command-line fetchers.
#[must_use]
pub fn pretty(query: Query<'_>, user_agent: &str) -> bool {
    match query.text("pretty") {
        "" => ["curl", "Wget", "Mozilla/5.0"]
            .iter()
            .any(|human| user_agent.starts_with(human)),
        said => matches!(said, "1" | "t" | "T" | "true" | "TRUE" | "True"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::tests::pairs;
    use super::*;

    #[test]
    fn include_object_is_one_of_three() {
        let cases = [
            ("", IncludeObject::Metadata),
            ("includeObject=", IncludeObject::Metadata),
            ("includeObject=Metadata", IncludeObject::Metadata),
            ("includeObject=None", IncludeObject::None),
            ("includeObject=Object", IncludeObject::Object),
        ];
        for (text, want) in cases {
            assert_eq!(IncludeObject::from_query(Query::new(&pairs(text))).unwrap(), want);
        }
        let error = IncludeObject::from_query(Query::new(&pairs("includeObject=Nope"))).unwrap_err();
        let want = "Unable to convert to Table as requested: includeObject: Invalid value: \"Nope\": must be \
                    'Metadata', 'Object', 'None', or empty";
        assert_eq!((error.code(), error.to_string().as_str()), (400, want));
    }

    #[test]
    fn people_get_it_pretty_unless_they_say_otherwise() {
        let cases = [
            ("", "kubectl/v1", false),
            ("", "curl/8.5", true),
            ("", "Mozilla/5.0 (X11)", true),
            ("pretty=", "curl/8.5", true),
            ("pretty=false", "curl/8.5", false),
            ("pretty=maybe", "curl/8.5", false),
            ("pretty=1", "", true),
            ("pretty=True", "", true),
        ];
        for (text, agent, want) in cases {
            assert_eq!(pretty(Query::new(&pairs(text)), agent), want, "{text} {agent}");
        }
    }
}
