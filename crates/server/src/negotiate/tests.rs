//! Tables of headers and what they come to. Whether the texts are right is the recorded transcripts' to judge.

use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use leasehold_registry::PatchKind;

use super::*;

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
}

fn accepting(value: &str) -> Result<Answer, ApiError> {
    object(&headers(ACCEPT, value), Route::Objects)
}

fn answer(format: Format, shape: Shape) -> Answer {
    Answer {
        format,
        shape,
        pretty: false,
    }
}

#[test]
fn the_best_acceptable_form_is_chosen() {
    use Format::{Json, Protobuf, Yaml};
    use MetaVersion::{V1, V1beta1};
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let cases: &[(&str, Format, Shape)] = &[
        ("application/json", Json, Shape::Whole),
        ("*/*", Json, Shape::Whole),
        ("*", Json, Shape::Whole),
        ("application/yaml", Yaml, Shape::Whole),
        ("application/vnd.kubernetes.protobuf", Protobuf, Shape::Whole),
        (
            "application/vnd.kubernetes.protobuf, application/json",
            Protobuf,
            Shape::Whole,
        ),
        (
            "application/vnd.kubernetes.protobuf,application/json,application/cbor",
            Protobuf,
            Shape::Whole,
        ),
        ("application/cbor,application/json", Json, Shape::Whole),
        ("application/json;q=0.5,application/yaml;q=0.8", Yaml, Shape::Whole),
        (
            "application/json; q=0.9, application/vnd.kubernetes.protobuf",
            Protobuf,
            Shape::Whole,
        ),
        ("text/html,application/json;q=0.9,*/*;q=0.8", Json, Shape::Whole),
        ("*/*,application/yaml", Yaml, Shape::Whole),
        ("application/json;stream=watch", Json, Shape::Whole),
        ("application/yaml;stream=watch,application/json", Json, Shape::Whole),
        ("application/json;stream=other,application/yaml", Yaml, Shape::Whole),
        (table, Json, Shape::Table(V1)),
        (
            "application/json;as=Table;g=meta.k8s.io;v=v1beta1",
            Json,
            Shape::Table(V1beta1),
        ),
        ("application/yaml;as=Table;g=meta.k8s.io;v=v1", Yaml, Shape::Table(V1)),
        // There is no Table in protobuf.
        (
            "application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1,application/json",
            Json,
            Shape::Whole,
        ),
        ("*/*;as=Table;g=meta.k8s.io;v=v1", Json, Shape::Table(V1)),
        (
            "application/json;as=Unheard;g=meta.k8s.io;v=v1,application/yaml",
            Yaml,
            Shape::Whole,
        ),
        (
            "application/json;as=Table;g=meta.k8s.io;v=v7,application/yaml",
            Yaml,
            Shape::Whole,
        ),
        ("application/json;as=Table,application/yaml", Yaml, Shape::Whole),
        (
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
            Protobuf,
            Shape::Partial(V1),
        ),
        (
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            Json,
            Shape::PartialList(V1),
        ),
        ("nonsense,application/yaml", Yaml, Shape::Whole),
    ];
    for (accept, format, shape) in cases {
        assert_eq!(accepting(accept), Ok(answer(*format, *shape)), "{accept}");
    }
    assert_eq!(object(&HeaderMap::new(), Route::Objects), Ok(Answer::JSON));
    assert!(accepting("application/json;pretty=1").unwrap().pretty);
}

#[test]
fn what_cannot_be_given_is_406() {
    let by_route = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                    application/vnd.kubernetes.protobuf";
    for accept in [
        "text/html",
        "application/*",
        "application/cbor",
        "text/*;q=0.1",
        "nonsense",
    ] {
        let error = accepting(accept).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (406, by_route), "{accept}");
        assert!(error.status().details.is_some());
    }
    let streams = object(&headers(ACCEPT, "text/plain"), Route::Collection).unwrap_err();
    assert_eq!(streams.to_string(), format!("{by_route}, {STREAM_TYPES}"));
    let error = accepting("application/json;as=Unheard;g=meta.k8s.io;v=v1").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("only the following media types are accepted: {OBJECT_TYPES}")
    );
    assert_eq!(error.status().details, None);
}

#[test]
fn yaml_cannot_be_streamed() {
    let error = stream(&headers(ACCEPT, "application/yaml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("only the following media types are accepted: {STREAM_TYPES}")
    );
    let protobuf = stream(&headers(ACCEPT, "application/vnd.kubernetes.protobuf;stream=watch"));
    assert_eq!(protobuf, Ok(answer(Format::Protobuf, Shape::Whole)));
}

#[test]
fn errors_are_never_transformed() {
    let cases = [
        (
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Format::Json,
        ),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", Format::Json),
        ("text/html", Format::Json),
        ("application/vnd.kubernetes.protobuf", Format::Protobuf),
        ("application/*", Format::Json),
        ("application/yaml", Format::Yaml),
    ];
    for (accept, format) in cases {
        assert_eq!(
            error(&headers(ACCEPT, accept)),
            answer(format, Shape::Whole),
            "{accept}"
        );
    }
}

#[test]
fn bodies_are_json_unless_they_say_otherwise() {
    let cases = [
        ("application/json", Some(Format::Json)),
        ("Application/JSON; charset=utf-8", Some(Format::Json)),
        ("application/yaml", Some(Format::Yaml)),
        ("application/vnd.kubernetes.protobuf", Some(Format::Protobuf)),
        ("application/cbor", None),
        ("text/plain", None),
        ("", Some(Format::Json)),
        ("application/*", None),
    ];
    for (value, want) in cases {
        let got = body_format(&headers(CONTENT_TYPE, value));
        assert_eq!(got.as_ref().ok(), want.as_ref(), "{value}");
        assert!(got.is_ok() || got.unwrap_err().code() == 415, "{value}");
    }
    assert_eq!(body_format(&HeaderMap::new()), Ok(Format::Json));
}

#[test]
fn a_patch_says_what_it_is() {
    let cases = [
        ("application/json-patch+json", Some(PatchKind::Json)),
        ("application/merge-patch+json; charset=utf-8", Some(PatchKind::Merge)),
        ("application/strategic-merge-patch+json", Some(PatchKind::Strategic)),
        ("application/apply-patch+yaml", Some(PatchKind::Apply)),
        ("application/apply-patch+cbor", None),
        ("application/json", None),
    ];
    for (value, want) in cases {
        assert_eq!(patch_kind(&headers(CONTENT_TYPE, value)).ok(), want, "{value}");
    }
    let error = patch_kind(&HeaderMap::new()).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (415, "415: Unsupported Media Type")
    );
}

#[test]
fn compressed_bodies_are_refused() {
    assert_eq!(refuse_encoded(&HeaderMap::new()), Ok(()));
    assert_eq!(refuse_encoded(&headers(CONTENT_ENCODING, "identity")), Ok(()));
    for encoding in ["gzip", "br", "identity, gzip"] {
        assert_eq!(
            refuse_encoded(&headers(CONTENT_ENCODING, encoding)).unwrap_err().code(),
            415
        );
    }
    let mut twice = headers(CONTENT_ENCODING, "identity");
    twice.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert!(refuse_encoded(&twice).is_err());
}
