//! A proxy in front of the server, for one elector.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Error;

/// What it does with what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passes it on.
    Open,
    /// Passes it on after up to so long.
    Slow(Duration),
    /// Keeps it, and lets nobody know. What was kept goes on when it is opened again.
    Cut,
}

/// A proxy on a port of its own; gone with its connections when dropped.
pub struct Proxy {
    mode: watch::Sender<Mode>,
    port: u16,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Begins to pass connections on.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(server: SocketAddr) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (mode, modes) = watch::channel(Mode::Open);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, modes));
        Ok(Self {
            mode,
            port,
            _tasks: tasks,
        })
    }

    /// Where it listens, on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what it does, also with connections that exist.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, modes: watch::Receiver<Mode>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass_on(client, server, modes.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// Both ways, until one of them ends.
async fn pass_on(client: TcpStream, server: SocketAddr, modes: watch::Receiver<Mode>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = copy(from_client, to_server, modes.clone()) => {}
        () = copy(from_server, to_client, modes) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut modes: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let slow = *modes.borrow();
        if let Mode::Slow(most) = slow {
            let delay = rand::rng().random_range(Duration::ZERO..=most);
            tokio::time::sleep(delay).await;
        }
        let open = modes.wait_for(|mode| *mode != Mode::Cut).await.is_ok();
        if !open || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
