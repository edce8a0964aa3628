//! YAML, for people: read through the same schema as JSON, with anchors, aliases and odd tags refused.

use serde_json::Value;
use serde_saphyr::budget::Budget;
use serde_saphyr::options::DuplicateKeyPolicy;

use super::{Decoded, Target, strict};
use crate::ApiError;
use crate::schema::Schema;

/// Nesting beyond this is refused. Objects of ours are nested a dozen levels deep at the most, and a level takes up to
/// 30 kB of the stack in a build without optimisation, where a thread of the server has 2 MB: a hundred levels would
/// end the process.
const DEPTH_MAX: usize = 32;

pub(super) fn decode(target: &Target, body: &[u8]) -> Result<Decoded, ApiError> {
    let (value, problems) = read(target.codec.schema, body).map_err(|e| target.unrecognized(e))?;
    match value {
        // An empty document.
        Value::Null => target.build(Value::Object(serde_json::Map::new()), problems),
        value => target.build(value, problems),
    }
}

/// Reads one YAML document along a schema into its JSON form, and tells the unknown and duplicate fields.
///
/// # Errors
/// One line saying what is wrong and where.
pub fn read(schema: &'static Schema, body: &[u8]) -> Result<(Value, Vec<String>), String> {
    let text = std::str::from_utf8(body).map_err(|_| "error decoding YAML: it is not UTF-8".to_owned())?;
    let mut budget = Budget::default();
    budget.max_anchors = 0;
    budget.max_aliases = 0;
    budget.max_documents = 1;
    budget.max_depth = DEPTH_MAX;
    budget.flow_nesting_limit = DEPTH_MAX;
    let options = serde_saphyr::options! {
        budget: Some(budget),
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    let mut read = None;
    let whole = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        read = Some(strict::read(schema, deserializer));
        Ok(())
    });
    // What went wrong within comes first: the rest, left unread, would be called a second document.
    let (read, whole) = (read.transpose(), whole.map_err(|error| error.to_string()));
    match read.and_then(|read| whole.map(|()| read)) {
        Ok(Some(read)) => Ok(read),
        Ok(None) => Err("error decoding YAML: there is nothing to read".to_owned()),
        Err(error) => Err(format!("error decoding YAML: {error}")),
    }
}

/// Writes a JSON value as YAML.
///
/// # Errors
/// Never for what an API object holds.
pub fn write(value: &Value) -> Result<String, ApiError> {
    serde_saphyr::to_string(value).map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::DeleteOptions;

    #[test]
    fn an_error_within_is_told_and_not_what_follows_from_it() {
        for (text, why) in [
            ("x: .nan", "finite"),
            ("uid: 5", "uid"),
            ("a: 1\n---\na: 2", "documents"),
        ] {
            let error = read(crate::meta::ObjectMeta::SCHEMA, text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn no_nesting_takes_more_than_half_of_a_thread_s_stack() {
        let nested = |open: &str, levels: usize| format!("x:\n  {}", open.repeat(levels));
        let read_all = move || {
            for open in ["{a: ", "[", "- ", "? ", "? - "] {
                for levels in [DEPTH_MAX - 2, DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1, 200, 5000] {
                    let read = read(DeleteOptions::SCHEMA, nested(open, levels).as_bytes());
                    assert!(levels < DEPTH_MAX || read.is_err(), "{open:?} {levels}");
                }
            }
        };
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(read_all);
        thread.unwrap().join().unwrap();
    }
}
