//! How much, how many and how long: everything that bounds a connection, as plain data.

use std::time::Duration;

/// The bounds of listeners and connections.
///
/// What bounds a single request (its deadline, its body, how many at once) is not here: the request layer does that.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Connections open at once. One more is closed as soon as it is accepted.
    pub connections: usize,
    /// Connections open at once from one address; of IPv6, from one /64 network. Many machines can stand behind one
    /// address, so this is only to keep one client from using up [`Limits::connections`].
    pub connections_per_address: usize,
    /// From accepting a connection until its TLS handshake is done.
    pub handshake: Duration,
    /// From then until the first request's headers are here.
    pub first_request: Duration,
    /// For the headers of a request over HTTP/1, the wait for their first byte included: so also how long such a
    /// connection may be idle.
    pub headers: Duration,
    /// A connection without a request in progress for this long, or up to twice as long, is closed.
    pub idle: Duration,
    /// How long a closing connection may take for its last bytes once no request is in progress.
    pub close: Duration,
    /// How long the client may take nothing of what there is to send before the stream, or the connection over
    /// HTTP/1, is cut.
    pub stall: Duration,
    /// How long requests in progress may take once the server is told to end, before their connections are cut.
    pub drain: Duration,
    /// Between two PINGs over HTTP/2.
    pub ping_interval: Duration,
    /// For the answer to a PING. Together with the interval this is how long a dead connection goes unnoticed: it must
    /// stay below half the shortest lease that is kept over it, 20 s for a node's.
    pub ping_timeout: Duration,
    /// Bytes of the headers of one request. Kubernetes takes 1 MiB; real clients send a few kB with the longest tokens.
    pub header_bytes: u32,
    /// Requests at once on one HTTP/2 connection; a client that has more waits with them. Kubernetes' server library
    /// takes 100 unless told otherwise. We take 250, for renewals are short and many of them can come over few
    /// connections, and a stream holds some tens of kB at the most.
    pub streams: u32,
    /// HTTP/2 streams that were reset by the client before we looked at them (rapid reset, CVE-2023-44487).
    pub pending_resets: usize,
    /// HTTP/2 streams that we reset for the client's errors (RUSTSEC-2024-0003).
    pub error_resets: usize,
    /// Bytes of one HTTP/2 stream that the client may send ahead of our reading: an ordinary body whole, without a
    /// round trip.
    pub stream_window: u32,
    /// The same for a whole HTTP/2 connection, and so the most memory that bodies not yet read can take of it.
    pub connection_window: u32,
    /// Bytes of one HTTP/2 stream that wait to be sent before we ask its response for more.
    pub send_buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 32_768,
            connections_per_address: 8_192,
            handshake: Duration::from_secs(10),
            first_request: Duration::from_secs(30),
            headers: Duration::from_secs(30),
            idle: Duration::from_secs(90),
            close: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            ping_interval: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(8),
            header_bytes: 16 << 10,
            streams: 250,
            pending_resets: 20,
            error_resets: 1024,
            stream_window: 256 << 10,
            connection_window: 1 << 20,
            send_buffer: 64 << 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_connection_is_noticed_within_half_of_a_node_lease() {
        let limits = Limits::default();
        assert!(limits.ping_interval + limits.ping_timeout < Duration::from_secs(20));
    }
}
