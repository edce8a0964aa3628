//! Any bytes, to the port.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::world::WORLD;

/// How long to wait for a reply that may never end, such as a watch.
const GLANCE: Duration = Duration::from_millis(200);
/// How long to wait for one that must come: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of a reply, what is looked at.
const LOOK: u64 = 64 << 10;
/// Does the server still answer? As often as this.
const ASK_EVERY: u8 = 16;

/// Whatever it answers, it is no 500, and it goes on answering.
pub(crate) fn http(data: &[u8]) {
    let mut stream = connect(GLANCE);
    // It may close the connection at any time.
    if stream.write_all(data).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let answer = reply(stream);
    assert!(
        !answer.starts_with(b"HTTP/1.1 500"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if sum.is_multiple_of(ASK_EVERY) {
        let answer = alive();
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}

/// The answer of a healthy server. Who says that this was all may be taken for gone before he is answered, so this does not.
fn alive() -> Vec<u8> {
    let mut stream = connect(PATIENCE);
    let asked = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    asked.expect("it takes requests");
    reply(stream)
}

fn connect(patience: Duration) -> TcpStream {
    let stream = TcpStream::connect(WORLD.address).expect("it listens");
    stream.set_read_timeout(Some(patience)).expect("a socket");
    stream.set_write_timeout(Some(patience)).expect("a socket");
    stream
}

/// What there is of a reply before the end, or before patience ends.
fn reply(stream: TcpStream) -> Vec<u8> {
    let mut reply = Vec::new();
    let _ = stream.take(LOOK).read_to_end(&mut reply);
    reply
}
