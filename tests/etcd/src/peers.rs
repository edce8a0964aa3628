//! Between the members: proxies that can cut one member off from the others, while its clients still reach it.
//!
//! Each member is reached by the others through a proxy of its own. Who is connecting stands in the head of the request:
//! members name themselves in `X-Server-From`. What names nobody is no part of raft, and is cut with the member it goes to only.

use std::collections::HashSet;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Error;

/// Bytes of the longest head of a request.
const HEAD_MAX: usize = 16 << 10;
const FROM: &str = "\r\nx-server-from: ";

/// The ids of members that are cut off, in hexadecimal as they write them themselves.
type CutOff = HashSet<String>;

/// The proxies of a cluster; gone with their connections when dropped.
pub(crate) struct Peers {
    cut_off: watch::Sender<CutOff>,
    tasks: JoinSet<()>,
}

impl Peers {
    pub(crate) fn new() -> Self {
        Self {
            cut_off: watch::Sender::default(),
            tasks: JoinSet::new(),
        }
    }

    /// Passes on what comes to the listener to the peer port of a member. Its own id is not known before the cluster runs.
    pub(crate) fn pass_on(&mut self, listener: TcpListener, port: u16, to: watch::Receiver<String>) {
        let cut_off = self.cut_off.subscribe();
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, port, to.clone(), cut_off.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
    }

    /// Cuts a member off, or lets it come back.
    pub(crate) fn set(&self, id: &str, is_cut_off: bool) {
        self.cut_off.send_modify(|cut_off| {
            if is_cut_off {
                cut_off.insert(id.to_owned());
            } else {
                cut_off.remove(id);
            }
        });
    }
}

async fn connection(mut from: TcpStream, port: u16, to: watch::Receiver<String>, mut cut_off: watch::Receiver<CutOff>) {
    let Ok(head) = head(&mut from).await else {
        return;
    };
    let sender = sender(&head);
    let is_cut =
        |cut_off: &CutOff| cut_off.contains(&*to.borrow()) || sender.as_ref().is_some_and(|id| cut_off.contains(id));
    let passing = async {
        let mut member = TcpStream::connect(("127.0.0.1", port)).await?;
        member.set_nodelay(true)?;
        from.set_nodelay(true)?;
        member.write_all(&head).await?;
        copy_bidirectional(&mut from, &mut member).await
    };
    tokio::select! {
        biased;
        _ = cut_off.wait_for(is_cut) => {}
        _ = passing => {}
    }
}

/// What comes up to the end of a request's head, and perhaps some more.
async fn head(stream: &mut TcpStream) -> Result<Vec<u8>, Error> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if head.len() > HEAD_MAX || stream.read_buf(&mut head).await? == 0 {
            return Err("no request".into());
        }
    }
    Ok(head)
}

/// The member that sent it.
fn sender(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, after) = text.split_once(FROM)?;
    after.split_once("\r\n").map(|(id, _)| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::sender;

    #[test]
    fn a_member_is_known_by_its_header() {
        let head = b"GET /raft/stream/message/6a HTTP/1.1\r\nHost: x\r\nX-Server-From: c4ecf2\r\nX-Raft-To: 6a\r\n\r\n";
        assert_eq!(sender(head).as_deref(), Some("c4ecf2"));
        assert_eq!(sender(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"), None);
    }
}
