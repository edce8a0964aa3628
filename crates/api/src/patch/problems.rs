//! What strict validation objects to in a patch itself, before it is applied.

use super::undecodable;
use crate::ApiError;
use crate::codec;

/// The fields of an operation.
const FIELDS: [&str; 4] = ["op", "path", "from", "value"];

/// Fields that occur twice in a merge patch or a strategic merge patch, in Kubernetes' words.
///
/// # Errors
/// 400 when the body is not JSON.
pub fn merge_problems(body: &[u8]) -> Result<Vec<String>, ApiError> {
    let (_, problems) = codec::read_free(body).map_err(undecodable)?;
    Ok(problems)
}

/// Fields that occur twice in a JSON patch, or are none of an operation's, in Kubernetes' words.
///
/// # Errors
/// 400 when the body is not JSON.
pub fn json_problems(body: &[u8]) -> Result<Vec<String>, ApiError> {
    let (patch, mut problems) = codec::read_free(body).map_err(undecodable)?;
    let operations = patch.as_array().map_or(&[][..], Vec::as_slice);
    for (at, operation) in operations.iter().enumerate() {
        let fields = operation.as_object().into_iter().flat_map(|fields| fields.keys());
        for unknown in fields.filter(|name| !FIELDS.contains(&name.as_str())) {
            problems.push(format!("unknown field \"[{at}].{unknown}\""));
        }
    }
    Ok(problems
        .into_iter()
        .map(|problem| format!("json patch {problem}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_twice_is_told() {
        let body = br#"{"metadata":{"labels":{"a":"1","a":"2"}},"x":1,"x":2}"#;
        let told = [r#"duplicate field "metadata.labels.a""#, r#"duplicate field "x""#];
        assert_eq!(merge_problems(body).unwrap(), told);
        assert_eq!(merge_problems(b"{").unwrap_err().code(), 400);
        assert!(merge_problems(br#"{"a":[{"b":1},{"b":1}]}"#).unwrap().is_empty());
    }

    #[test]
    fn what_no_operation_has_is_told() {
        let body = br#"[{"op":"test","path":"/a","value":{"b":1}},{"op":"remove","op":"add","path":"/a","more":1}]"#;
        let told = [
            r#"json patch duplicate field "[1].op""#,
            r#"json patch unknown field "[1].more""#,
        ];
        assert_eq!(json_problems(body).unwrap(), told);
        assert_eq!(json_problems(b"[").unwrap_err().code(), 400);
    }
}
