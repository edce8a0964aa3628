//! [`Reply`]: what came back on a connection until its end.

use serde_json::Value;

/// A reply of HTTP/1.1, read from all that a connection gave.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// `None` when the connection ended without a whole head.
    pub code: Option<u16>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without its transfer coding. What may follow it is here as well.
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads it.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Self::default();
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let code = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = &bytes[end + 4..];
        let chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        Self {
            code,
            headers,
            body: if chunked { unchunked(body) } else { body.to_vec() },
        }
    }

    /// The first header of this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text, as far as it is one.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The data of a chunked body, as far as it goes.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).ok();
        let Some(size) = size.and_then(|size| usize::from_str_radix(size, 16).ok()) else {
            break;
        };
        let Some(chunk) = rest.get(end + 2..end + 2 + size) else {
            break;
        };
        data.extend(chunk);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_whole_or_chunked_or_not_at_all() {
        let plain = Reply::parse(b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n{}");
        assert_eq!(
            (plain.code, plain.header("a"), plain.text().as_str()),
            (Some(404), Some("b"), "{}")
        );
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        assert_eq!(Reply::parse(chunked).body, b"abcd");
        assert_eq!(Reply::parse(b"HTTP/1.1 20").code, None);
    }
}
