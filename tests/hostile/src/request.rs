//! [`Request`]: HTTP/1.1 as bytes, with no opinion on what is well-formed.

use serde_json::{Value, json};

/// A request. Unless changed: from the admin, accepting JSON, the last one on its connection.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    path: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, path: impl AsRef<[u8]>) -> Self {
        let request = Self {
            method: method.to_owned(),
            path: path.as_ref().to_vec(),
            headers: Vec::new(),
            body: None,
        };
        request
            .header("Host", "leasehold.test")
            .header("Accept", "application/json")
            .header("Connection", "close")
            .token("admin-token")
    }

    /// A `GET`.
    #[must_use]
    pub fn get(path: impl AsRef<[u8]>) -> Self {
        Self::new("GET", path)
    }

    /// A `POST` of JSON.
    #[must_use]
    pub fn post(path: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        Self::new("POST", path).body("application/json", body)
    }

    /// A `PUT` of JSON.
    #[must_use]
    pub fn put(path: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        Self::new("PUT", path).body("application/json", body)
    }

    /// A `PATCH`; `kind` is such as `merge-patch+json`.
    #[must_use]
    pub fn patch(kind: &str, path: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        Self::new("PATCH", path).body(&format!("application/{kind}"), body)
    }

    /// With this body. Its length is said unless a `Content-Length` or a `Transfer-Encoding` is there.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().to_vec());
        self.header("Content-Type", content_type)
    }

    /// With this header instead of any of the same name.
    #[must_use]
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).also(name, value)
    }

    /// With this header too.
    #[must_use]
    pub fn also(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Without any header of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// From whoever this bearer token is of.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// From nobody.
    #[must_use]
    pub fn anonymous(self) -> Self {
        self.without("Authorization")
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The bytes to send.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = [self.method.as_bytes(), b" ", &self.path, b" HTTP/1.1\r\n"].concat();
        for (name, value) in &self.headers {
            out.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let body = self.body.as_deref().unwrap_or_default();
        if self.body.is_some() && !self.has("Content-Length") && !self.has("Transfer-Encoding") {
            out.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
        }
        out.extend(b"\r\n");
        out.extend(body);
        out
    }
}

/// A Lease of this name.
#[must_use]
pub fn lease(name: &str, spec: &Value) -> Vec<u8> {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": spec,
    });
    lease.to_string().into_bytes()
}
