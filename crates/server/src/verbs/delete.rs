//! Delete, of one object and of a collection, and the options that may come in the body.

use bytes::Bytes;
use http::{Response, StatusCode};
use leasehold_api::ApiError;
use leasehold_api::codec::{Format, json, protobuf, yaml};
use leasehold_api::meta;
use leasehold_api::options::{DeleteOptions, ListOptions};
use leasehold_registry::{Deleted, WriteOptions, resources};
use serde_json::Value;

use super::Call;
use crate::negotiate::{self, Route};
use crate::{Body, encode};

/// One object.
pub(super) async fn delete(call: &Call<'_>, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let wish = call.wish(Route::Objects)?;
    let delete = delete_options(call, body)?;
    let deleted = call
        .app
        .registry
        .delete(&call.place, &delete, &write_options(call, &delete))
        .await?;
    match deleted {
        Deleted::Gone(status) => {
            let bytes = encode::status(wish.answer, &status);
            Ok(wish.reply(StatusCode::OK, bytes))
        }
        Deleted::Waiting(object) => {
            // Kubernetes tells of waiting by the code only to those who asked in the old way.
            let waits = delete.orphan_dependents == Some(false);
            call.object(if waits { StatusCode::ACCEPTED } else { StatusCode::OK }, wish, object)
        }
    }
}

/// Every selected object of a collection.
pub(super) async fn delete_collection(call: &Call<'_>, body: &Bytes) -> Result<Response<Body>, ApiError> {
    let wish = call.wish(Route::Objects)?;
    // A selector that cannot be read deletes nothing.
    #[cfg(not(leasehold_mutant = "bad-selector-deletes-all"))]
    let list = ListOptions::from_query(call.query())?;
    #[cfg(leasehold_mutant = "bad-selector-deletes-all")]
    let list = ListOptions::from_query(call.query()).unwrap_or_default();
    let delete = delete_options(call, body)?;
    let options = write_options(call, &delete);
    let deleted = call
        .app
        .registry
        .delete_collection(&call.place, &list, &delete, &options)
        .await?;
    let body = encode::list(&call.form(wish), deleted).await?;
    Ok(wish.reply(StatusCode::OK, body))
}

fn write_options(call: &Call<'_>, delete: &DeleteOptions) -> WriteOptions {
    WriteOptions {
        dry_run: delete.dry_run,
        ..call.write_options("", false)
    }
}

/// The options of a delete: those of the body, if there is one, and else those of the query.
fn delete_options(call: &Call<'_>, body: &Bytes) -> Result<DeleteOptions, ApiError> {
    if body.is_empty() {
        return DeleteOptions::new(call.query(), None);
    }
    let format = negotiate::body_format(call.headers())?;
    let options = decode(format, body).map_err(ApiError::bad_request)?;
    DeleteOptions::new(call.query(), Some(options))
}

fn decode(format: Format, body: &Bytes) -> Result<meta::DeleteOptions, String> {
    let schema = meta::DeleteOptions::SCHEMA;
    let (value, _) = match format {
        Format::Json => json::read(schema, body)?,
        Format::Yaml => yaml::read(schema, body)?,
        Format::Protobuf => {
            let (api_version, kind, options) = protobuf::decode_message(body)?;
            return check(&api_version, &kind).map(|()| options);
        }
    };
    let Value::Object(mut fields) = value else {
        return Err("couldn't get version/kind: it is not an object".to_owned());
    };
    let [api_version, kind] = ["apiVersion", "kind"].map(|name| fields.remove(name).unwrap_or_default());
    check(api_version.as_str().unwrap_or(""), kind.as_str().unwrap_or(""))?;
    serde_json::from_value(Value::Object(fields)).map_err(|e| e.to_string())
}

/// DeleteOptions belong to every group, and clients send them in that of what they delete.
fn check(api_version: &str, kind: &str) -> Result<(), String> {
    let of_table = || {
        let mut versions = resources::TABLE.iter().flat_map(|resource| {
            resource
                .versions
                .iter()
                .map(|version| resource.gvk(version).group_version())
        });
        versions.any(|group_version| group_version.is(api_version))
    };
    let known = matches!(api_version, "" | "v1" | "meta.k8s.io/v1") || of_table();
    if known && matches!(kind, "" | "DeleteOptions") {
        return Ok(());
    }
    Err(format!(
        "no kind \"{kind}\" is expected here for version \"{api_version}\": DeleteOptions are"
    ))
}

#[cfg(test)]
mod tests {
    use leasehold_api::Gvk;

    use super::*;

    fn read(text: &'static str) -> Result<meta::DeleteOptions, String> {
        decode(Format::Json, &Bytes::from(text))
    }

    #[test]
    fn options_are_read_in_all_three_formats() {
        let want = meta::DeleteOptions {
            grace_period_seconds: Some(5),
            ..meta::DeleteOptions::default()
        };
        assert_eq!(
            read(r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":5}"#).unwrap(),
            want
        );
        let yaml = Bytes::from("kind: DeleteOptions\napiVersion: v1\ngracePeriodSeconds: 5\n");
        assert_eq!(decode(Format::Yaml, &yaml).unwrap(), want);
        let mut bytes = Vec::new();
        let gvk = Gvk {
            group: "coordination.k8s.io",
            version: "v1",
            kind: "DeleteOptions",
        };
        protobuf::write_object(gvk, &want, &mut bytes);
        assert_eq!(decode(Format::Protobuf, &bytes.into()).unwrap(), want);
    }

    #[test]
    fn they_may_be_of_any_group_that_is_served() {
        for version in ["", "v1", "meta.k8s.io/v1", "coordination.k8s.io/v1", "events.k8s.io/v1"] {
            let body = format!(r#"{{"kind":"DeleteOptions","apiVersion":"{version}"}}"#);
            assert!(decode(Format::Json, &body.clone().into()).is_ok(), "{body}");
        }
        assert!(read("{}").is_ok());
    }

    #[test]
    fn everything_else_is_refused() {
        for body in [
            r#"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1"}"#,
            r#"{"kind":"DeleteOptions","apiVersion":"made.up/v1"}"#,
            r#"{"gracePeriodSeconds":"x"}"#,
            "[]",
            "{",
            "null",
        ] {
            assert!(read(body).is_err(), "{body}");
        }
        assert!(decode(Format::Protobuf, &Bytes::from("nope")).is_err());
        assert!(decode(Format::Yaml, &Bytes::from("a: &x [*x]")).is_err());
    }
}
