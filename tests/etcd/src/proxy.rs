//! A proxy in front of a member.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Error;

/// What a proxy does with what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passes it on.
    Open,
    /// Passes it on, each piece after so long.
    Slow(Duration),
    /// Keeps it, and lets nobody know. What was kept goes on when it is opened again.
    BlackHole,
    /// Closes all connections, and each new one at once.
    Cut,
}

/// A proxy on a port of its own, on loopback; gone with its connections when dropped.
pub struct Proxy {
    mode: watch::Sender<Mode>,
    endpoint: String,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Begins to pass connections on to an endpoint, `http://HOST:PORT` or `https://HOST:PORT`.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(endpoint: &str) -> Result<Self, Error> {
        let (scheme, server) = endpoint.split_once("://").ok_or("an endpoint has a scheme")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (mode, modes) = watch::channel(Mode::Open);
        let endpoint = format!("{scheme}://{}", listener.local_addr()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server.to_owned(), modes));
        Ok(Self {
            mode,
            endpoint,
            _tasks: tasks,
        })
    }

    /// Where to connect to instead.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Changes what it does, also with connections that exist.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn accept(listener: TcpListener, server: String, modes: watch::Receiver<Mode>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass_on(client, server.clone(), modes.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Both ways, until one of them ends or all is cut.
async fn pass_on(client: TcpStream, server: String, modes: watch::Receiver<Mode>) {
    let mut cut = modes.clone();
    let passing = async {
        let server = TcpStream::connect(server).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::select! {
            () = copy(from_client, to_server, modes.clone()) => {}
            () = copy(from_server, to_client, modes) => {}
        }
        std::io::Result::Ok(())
    };
    tokio::select! {
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
        _ = passing => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut modes: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let mode = *modes.borrow();
        if let Mode::Slow(delay) = mode {
            sleep(delay).await;
        }
        let may_pass = modes.wait_for(|mode| *mode != Mode::BlackHole).await.is_ok();
        if !may_pass || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
