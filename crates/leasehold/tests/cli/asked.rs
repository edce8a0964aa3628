//! A server that answers single requests over plain HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use super::Server;

/// A server that is also asked over plain HTTP, with a token.
pub(crate) struct Asked {
    pub(crate) server: Server,
    address: String,
}

impl Asked {
    pub(crate) fn start(data_dir: &Path) -> Self {
        let tokens = data_dir.with_extension("tokens");
        std::fs::write(&tokens, "secret,admin,1,\"system:masters\"\n").unwrap();
        let tokens = tokens.to_str().unwrap();
        let server = Server::start(data_dir, &["--insecure-http", "127.0.0.1:0", "--token-file", tokens]);
        let (_, address) = server.listens.split_once(" http://").unwrap();
        let address = address.split_once(". ").unwrap().0.to_owned();
        Self { server, address }
    }

    /// Status code and body of one request on a connection of its own.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = "Host: x\r\nConnection: close\r\nAuthorization: Bearer secret\r\nContent-Type: application/json";
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        // In chunks where it is a stream: the first event of a watch is on a line of its own.
        let body = body.lines().find(|line| line.starts_with('{')).unwrap_or("null");
        (code, serde_json::from_str(body).unwrap())
    }

    pub(crate) fn stop(mut self) {
        self.server.signal(Signal::TERM);
        assert!(self.server.child.wait().unwrap().success());
    }
}
