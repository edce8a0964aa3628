//! The requests: what is asked of the lease endpoints, in either encoding.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};

use crate::connection::Call;
use crate::target::Target;

/// The form of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`, as kubelet's leases were sent for long.
    Json,
    /// `application/vnd.kubernetes.protobuf`, as current components send them.
    Protobuf,
}

impl Encoding {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    const fn accept(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/vnd.kubernetes.protobuf,application/json",
        }
    }

    const fn accept_watch(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }
}

/// The leases of one namespace.
pub(crate) struct LeaseApi {
    collection: String,
    read: HeaderMap,
    write: HeaderMap,
    watch: HeaderMap,
    json: HeaderMap,
}

impl LeaseApi {
    pub(crate) fn new(target: &Target, namespace: &str, encoding: Encoding) -> Self {
        let mut common = HeaderMap::new();
        let agent = HeaderValue::from_static(concat!("leasehold-bench/", env!("CARGO_PKG_VERSION")));
        common.insert(USER_AGENT, agent);
        if let Some(authorization) = &target.authorization {
            common.insert(AUTHORIZATION, authorization.clone());
        }
        let with = |name, value: &'static str, to: &HeaderMap| {
            let mut headers = to.clone();
            headers.insert(name, HeaderValue::from_static(value));
            headers
        };
        let read = with(ACCEPT, encoding.accept(), &common);
        Self {
            collection: format!(
                "{}/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases",
                target.prefix
            ),
            write: with(CONTENT_TYPE, encoding.media_type(), &read),
            watch: with(ACCEPT, encoding.accept_watch(), &common),
            json: with(ACCEPT, Encoding::Json.accept(), &common),
            read,
        }
    }

    pub(crate) fn create(&self, body: Vec<u8>) -> Call {
        self.call(Method::POST, "", "", &self.write, body.into())
    }

    pub(crate) fn get(&self, name: &str) -> Call {
        self.call(Method::GET, "/", name, &self.read, Bytes::new())
    }

    pub(crate) fn put(&self, name: &str, body: Bytes) -> Call {
        self.call(Method::PUT, "/", name, &self.write, body)
    }

    pub(crate) fn delete(&self, name: &str) -> Call {
        self.call(Method::DELETE, "/", name, &self.read, Bytes::new())
    }

    /// `query` without its question mark.
    pub(crate) fn list(&self, query: &str) -> Call {
        self.call(Method::GET, "?", query, &self.read, Bytes::new())
    }

    /// The same, whatever the encoding is.
    pub(crate) fn list_as_json(&self, query: &str) -> Call {
        self.call(Method::GET, "?", query, &self.json, Bytes::new())
    }

    /// `query` without its question mark; `watch=true` is added.
    pub(crate) fn watch(&self, query: &str) -> Call {
        self.call(Method::GET, "?watch=true&", query, &self.watch, Bytes::new())
    }

    fn call(&self, method: Method, separator: &str, rest: &str, headers: &HeaderMap, body: Bytes) -> Call {
        let mut path = String::with_capacity(self.collection.len() + separator.len() + rest.len());
        path.push_str(&self.collection);
        path.push_str(separator);
        path.push_str(rest);
        Call {
            method,
            path: PathAndQuery::from_maybe_shared(Bytes::from(path))
                .expect("names, namespaces and tokens were checked to be fit for a path"),
            headers: headers.clone(),
            body,
        }
    }
}
