//! Where connections come in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::Tls;

/// A socket that takes connections, and how it speaks with them.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: TcpListener,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Listener {
    /// Takes TLS connections.
    #[must_use]
    pub fn tls(socket: TcpListener, tls: Arc<Tls>) -> Self {
        Self { socket, tls: Some(tls) }
    }

    /// Takes plain HTTP, from this machine only.
    ///
    /// # Errors
    /// When the socket can be reached from elsewhere.
    pub fn plain(socket: TcpListener) -> io::Result<Self> {
        let address = socket.local_addr()?;
        if !address.ip().to_canonical().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("plain HTTP is served on loopback addresses only, not on {address}"),
            ));
        }
        Ok(Self { socket, tls: None })
    }
}

/// Prepares a connection: small writes leave at once, and the kernel notices a peer that has gone within half a minute
/// even where nobody writes, as on a watch over HTTP/1.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(15))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    Ok(())
}

/// Takes the next connection. A seam for the tests of what happens when it fails.
pub(super) trait Accept {
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)>;
}

impl Accept for TcpListener {
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long to leave a listener alone after `error`, if at all, when the pause before was `last`.
///
/// What is wrong with one connection says nothing of the next. Anything else is mostly a lack of file descriptors or
/// memory, which others must give back: to try on at once would only burn the processor, to give up would be worse.
pub(super) fn pause_after(error: &io::Error, last: Duration) -> Duration {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    match error.kind() {
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted => Duration::ZERO,
        _ => (last * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_costs_no_pause_and_a_lack_of_files_ever_more() {
        for kind in [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::Interrupted,
        ] {
            assert_eq!(pause_after(&kind.into(), LONGEST_PAUSE), Duration::ZERO);
        }
        let no_files = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        let mut pause = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..10 {
            pause = pause_after(&no_files, pause);
            pauses.push(pause.as_millis());
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }

    #[tokio::test]
    async fn plain_http_is_for_loopback_only() {
        let open = TcpListener::bind("0.0.0.0:0").await.unwrap();
        assert!(Listener::plain(open).is_err());
        let local = TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert!(Listener::plain(local).is_ok());
    }
}
