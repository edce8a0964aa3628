//! What the client makes of the ways in which HTTP/2 can end a request: a server of a few frames, which never answers one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use leasehold_etcd::{Client, Error, Op, Options, RangeRequest, Txn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

const REFUSED_STREAM: u32 = 7;
const INTERNAL_ERROR: u32 = 2;

/// How the server ends each request.
#[derive(Clone, Copy)]
enum End {
    /// Resets its stream with this code.
    Reset(u32),
    /// Says farewell, having looked at the request or not, and closes.
    Farewell { has_seen_it: bool },
    /// Closes without a word.
    Close,
}

/// A client of a server that ends every request so, and how many requests the server has seen.
async fn client(end: End) -> (Client, Arc<AtomicUsize>, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // However it ends: the client comes again.
            let _ = serve(stream, end, &counter).await;
        }
    });
    let mut options = Options::new([format!("http://{address}")]);
    options.request_timeout = Duration::from_millis(300);
    (Client::new(options).unwrap(), seen, AbortOnDropHandle::new(server))
}

async fn serve(mut stream: TcpStream, end: End, seen: &AtomicUsize) -> std::io::Result<()> {
    let mut preface = [0; PREFACE];
    stream.read_exact(&mut preface).await?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await?;
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let is_ack = head[4] & ACK != 0;
        match head[3] {
            SETTINGS if !is_ack => stream.write_all(&frame(SETTINGS, ACK, 0, &[])).await?,
            PING if !is_ack => stream.write_all(&frame(PING, ACK, 0, &payload)).await?,
            HEADERS => {
                seen.fetch_add(1, Ordering::Relaxed);
                match end {
                    End::Reset(code) => stream.write_all(&frame(RST_STREAM, 0, id, &code.to_be_bytes())).await?,
                    End::Farewell { has_seen_it } => {
                        let last = if has_seen_it { id } else { 0 };
                        let payload = [last.to_be_bytes(), [0; 4]].concat();
                        stream.write_all(&frame(GOAWAY, 0, 0, &payload)).await?;
                        return stream.shutdown().await;
                    }
                    End::Close => return Ok(()),
                }
            }
            _ => {}
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn write() -> Txn {
    Txn {
        success: vec![Op::put("k", "v")],
        ..Txn::default()
    }
}

#[tokio::test]
async fn a_write_that_no_server_looked_at_was_not_sent_and_is_tried_again() {
    for end in [End::Reset(REFUSED_STREAM), End::Farewell { has_seen_it: false }] {
        let (client, seen, _server) = client(end).await;
        let error = client.txn(write()).await.unwrap_err();
        assert!(matches!(error, Error::NotSent(_)), "{error:?}");
        assert!(seen.load(Ordering::Relaxed) > 1);
    }
}

#[tokio::test]
async fn a_write_that_a_server_may_have_looked_at_is_sent_once() {
    for end in [
        End::Reset(INTERNAL_ERROR),
        End::Farewell { has_seen_it: true },
        End::Close,
    ] {
        let (client, seen, _server) = client(end).await;
        let error = client.txn(write()).await.unwrap_err();
        assert!(matches!(error, Error::Unknown(_)), "{error:?}");
        assert_eq!(seen.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_read_is_tried_again_in_any_case() {
    for end in [End::Reset(INTERNAL_ERROR), End::Close] {
        let (client, seen, _server) = client(end).await;
        let error = client.range(RangeRequest::key("k")).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert!(seen.load(Ordering::Relaxed) > 1);
    }
}
