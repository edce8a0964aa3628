//! [`Wire`]: a connection that carries bytes as they are.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Longer than anything here takes when it works.
const SOON: Duration = Duration::from_secs(20);

/// Fails the test when `future` does not end.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .unwrap_or_else(|_| panic!("still waiting after {SOON:?}: {what}"))
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection, plain or within TLS.
pub struct Wire(Box<dyn Stream>);

impl Wire {
    /// A plain connection.
    pub async fn plain(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.expect("the server listens");
        tcp.set_nodelay(true).expect("a socket");
        Self(Box::new(tcp))
    }

    /// A TLS connection, if the handshake succeeds.
    pub async fn tls(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        let name = ServerName::from(address.ip());
        let tls = TlsConnector::from(config).connect(name, tcp).await?;
        Ok(Self(Box::new(tls)))
    }

    /// Sends all of this, or as much as the server takes before it has enough.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// What comes next; nothing at the end, however it ends.
    pub async fn read(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        let count = self.0.read(&mut buffer).await.unwrap_or(0);
        buffer.truncate(count);
        buffer
    }

    /// Everything until the end.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match self.read().await {
                chunk if chunk.is_empty() => return all,
                chunk => all.extend(chunk),
            }
        }
    }

    /// Reads until what came in satisfies `done`, or the end.
    pub async fn read_until(&mut self, done: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut all = Vec::new();
        while !done(&all) {
            match self.read().await {
                chunk if chunk.is_empty() => break,
                chunk => all.extend(chunk),
            }
        }
        all
    }

    /// Sends this while reading what comes back, until the end.
    pub async fn exchange(self, bytes: &[u8]) -> Vec<u8> {
        let (read, mut write) = tokio::io::split(self.0);
        let mut read = Self(Box::new(tokio::io::join(read, tokio::io::sink())));
        let sending = async {
            // The server may have enough before it has everything.
            if write.write_all(bytes).await.is_ok() {
                let _ = write.flush().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            reply = read.read_to_end() => reply,
            () = sending => unreachable!("it never ends"),
        }
    }
}
