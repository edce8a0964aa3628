//! A reply that is ready before it is asked for, in every media type that clients know.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION, VARY};
use http::{HeaderMap, Response, StatusCode};
use leasehold_api::ApiError;
use sha2::{Digest, Sha256};

use super::accept::{self, Range};
use crate::negotiate;

/// A document in one media type.
#[derive(Debug)]
pub struct Representation {
    /// The media types that ask for this, without parameters.
    answers_to: &'static [&'static str],
    /// The version of `apidiscovery.k8s.io` that must be asked for with it; `None` when nothing may be.
    aggregated: Option<&'static str>,
    content_type: HeaderValue,
    /// Of the body, in hexadecimal.
    hash: String,
    etag: HeaderValue,
    body: Bytes,
}

impl Representation {
    /// A representation in the media type `content_type`, for whoever accepts one of `answers_to`.
    pub(crate) fn new(content_type: &'static str, answers_to: &'static [&'static str], body: Vec<u8>) -> Self {
        let hash = digest(&body);
        Self {
            answers_to,
            aggregated: None,
            content_type: HeaderValue::from_static(content_type),
            etag: HeaderValue::try_from(format!("\"{hash}\"")).expect("hexadecimal digits are header text"),
            hash,
            body: body.into(),
        }
    }

    /// The same, for whoever asks for aggregated discovery in this version with it.
    pub(super) fn aggregated(mut self, version: &'static str) -> Self {
        self.aggregated = Some(version);
        self
    }

    /// What the reply's Content-Type says.
    #[must_use]
    pub fn content_type(&self) -> &HeaderValue {
        &self.content_type
    }

    /// The body of the reply.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    fn is_meant_by(&self, range: &Range<'_>) -> bool {
        let asked = range.parameter("as").map(|kind| match (kind, range.parameter("g")) {
            ("APIGroupDiscoveryList", Some("apidiscovery.k8s.io")) => range.parameter("v").unwrap_or_default(),
            // A form that no discovery document has, such as a Table.
            _ => "",
        });
        asked == self.aggregated && self.answers_to.iter().any(|essence| range.covers(essence))
    }
}

/// One discovery or OpenAPI document.
#[derive(Debug)]
pub struct Document {
    /// Not empty; the first is for who takes anything.
    representations: Vec<Representation>,
    /// Whether it is Kubernetes' router that refuses who takes none of them, which it says in its own way.
    routed: bool,
    /// Where the document is under a path that changes with it, for clients to keep it forever.
    immutable: Option<Immutable>,
}

#[derive(Debug)]
struct Immutable {
    hash: String,
    url: HeaderValue,
}

impl Document {
    /// A document with these representations, at least one; the first is for who takes anything.
    pub(crate) fn new(representations: Vec<Representation>) -> Self {
        debug_assert!(!representations.is_empty());
        Self {
            representations,
            routed: false,
            immutable: None,
        }
    }

    /// Refuses as Kubernetes' router does.
    pub(super) fn routed(mut self) -> Self {
        self.routed = true;
        self
    }

    /// Adds representations, which come after those it has.
    pub(super) fn with(mut self, more: Vec<Representation>) -> Self {
        self.representations.extend(more);
        self
    }

    /// Lets clients keep the document for as long as they ask for it with its own hash: `path?hash=…`.
    pub(crate) fn immutable_at(mut self, path: &str) -> Self {
        let hash = self.representations[0].hash.clone();
        let url = HeaderValue::try_from(format!("{path}?hash={hash}")).expect("group and version names are URL text");
        self.immutable = Some(Immutable { hash, url });
        self
    }

    /// The URL, relative to the server, that changes with the document.
    pub(crate) fn immutable_url(&self) -> Option<&str> {
        self.immutable
            .as_ref()
            .and_then(|immutable| immutable.url.to_str().ok())
    }

    /// The representation that an `Accept` header asks for; `None` when there is none of that kind.
    #[must_use]
    pub fn representation(&self, accept: Option<&str>) -> Option<&Representation> {
        accept::ranges(accept).iter().find_map(|range| {
            self.representations
                .iter()
                .find(|representation| representation.is_meant_by(range))
        })
    }

    /// The whole reply to a GET with these headers and this query: 200, 304 for a client that has it already, or 301 to
    /// the present URL for one that asks by an old hash.
    ///
    /// # Errors
    /// 406 when the client accepts none of the media types.
    pub fn answer(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Response<Bytes>, ApiError> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let representation = self.representation(text(ACCEPT)).ok_or_else(|| self.not_acceptable())?;
        let hash = query.and_then(|query| {
            form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| (name == "hash").then_some(value))
        });
        match (&self.immutable, hash) {
            (Some(immutable), Some(asked)) if *asked != *immutable.hash => Ok(moved(&immutable.url)),
            (immutable, hash) => {
                let kept_forever = immutable.is_some() && hash.is_some();
                let known = text(IF_NONE_MATCH).is_some_and(|known| representation.is_known_as(known));
                Ok(representation.reply(known, kept_forever))
            }
        }
    }

    fn not_acceptable(&self) -> ApiError {
        let types: Vec<_> = self
            .representations
            .iter()
            .filter(|one| one.aggregated.is_none())
            .filter_map(|one| one.content_type.to_str().ok())
            .collect();
        let types = types.join(", ");
        if self.routed {
            negotiate::refused_by_route(&types)
        } else {
            negotiate::not_acceptable(&types)
        }
    }
}

impl Representation {
    /// Whether an `If-None-Match` names this representation; weak comparison, as RFC 9110 asks for.
    fn is_known_as(&self, if_none_match: &str) -> bool {
        if_none_match
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.etag.as_bytes())
    }

    fn reply(&self, known: bool, kept_forever: bool) -> Response<Bytes> {
        let caching = if kept_forever {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache, private"
        };
        let mut reply = Response::new(Bytes::new());
        let headers = reply.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept"));
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        if known {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(CONTENT_TYPE, self.content_type.clone());
            *reply.body_mut() = self.body.clone();
        }
        reply
    }
}

fn moved(to: &HeaderValue) -> Response<Bytes> {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::MOVED_PERMANENTLY;
    reply.headers_mut().insert(LOCATION, to.clone());
    reply
}

/// The SHA-256 digest in upper-case hexadecimal.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let json = Representation::new("application/json", &["application/json"], b"{}".to_vec());
        let yaml = Representation::new("application/yaml", &["application/yaml"], b"{ }".to_vec());
        let v2 = Representation::new("application/json;v=v2", &["application/json"], b"[]".to_vec()).aggregated("v2");
        Document::new(vec![json, yaml, v2])
    }

    fn chosen(accept: &str) -> Option<String> {
        let document = document();
        let representation = document.representation(Some(accept))?;
        Some(String::from_utf8_lossy(representation.body()).into_owned())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_most_wanted_form_that_exists_is_chosen() {
        let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let v9 = "application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList";
        for (accept, body) in [
            ("", Some("{}")),
            ("*/*", Some("{}")),
            ("application/*", Some("{}")),
            ("application/yaml, application/json", Some("{ }")),
            ("application/vnd.kubernetes.protobuf, */*", Some("{}")),
            (v2, Some("[]")),
            (&format!("{v2};profile=nopeer,application/json"), Some("[]")),
            (&format!("{v9},{v2},application/json"), Some("[]")),
            (&format!("{v9},application/yaml"), Some("{ }")),
            ("application/json;as=Table;g=meta.k8s.io;v=v1", None),
            ("application/json;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList", None),
            ("text/html", None),
        ] {
            assert_eq!(chosen(accept).as_deref(), body, "{accept}");
        }
    }

    #[test]
    fn what_nobody_has_is_406_and_says_what_there_is() {
        let refusal = document()
            .answer(&headers(&[("accept", "text/html")]), None)
            .unwrap_err();
        assert_eq!(refusal.code(), 406);
        assert!(refusal.status().message.contains("application/yaml"));
    }

    #[test]
    fn a_client_that_has_this_very_representation_gets_304() {
        let document = document();
        let first = document.answer(&HeaderMap::new(), None).unwrap();
        assert_eq!(first.status(), 200);
        assert_eq!(first.headers()["vary"], "Accept");
        let etag = first.headers()["etag"].to_str().unwrap();
        for known in [
            etag.to_owned(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            "*".to_owned(),
        ] {
            let again = document.answer(&headers(&[("if-none-match", &known)]), None).unwrap();
            assert_eq!(again.status(), 304, "{known}");
            assert!(again.body().is_empty());
            assert_eq!(again.headers()["etag"], etag);
        }
        let other = headers(&[("if-none-match", etag), ("accept", "application/yaml")]);
        assert_eq!(document.answer(&other, None).unwrap().status(), 200);
    }

    #[test]
    fn only_the_present_hash_makes_a_reply_that_may_be_kept() {
        let document = document().immutable_at("/openapi/v3/api/v1");
        let url = document.immutable_url().unwrap().to_owned();
        let (_, query) = url.split_once('?').unwrap();
        let reply = document.answer(&HeaderMap::new(), Some(query)).unwrap();
        assert_eq!(reply.headers()["cache-control"], "public, max-age=31536000, immutable");
        let plain = document.answer(&HeaderMap::new(), Some("timeout=32s")).unwrap();
        assert_eq!(plain.headers()["cache-control"], "no-cache, private");
        let old = document.answer(&HeaderMap::new(), Some("hash=00")).unwrap();
        assert_eq!(
            (old.status(), &old.headers()["location"]),
            (StatusCode::MOVED_PERMANENTLY, &HeaderValue::try_from(url).unwrap())
        );
    }
}
