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
    pub(crate) fn start(data_dir: &Path, more: &[&str]) -> Self {
        let tokens = data_dir.with_extension("tokens");
        std::fs::write(&tokens, "secret,admin,1,\"system:masters\"\n").unwrap();
        let tokens = tokens.to_str().unwrap();
        let asked = ["--insecure-http", "127.0.0.1:0", "--token-file", tokens];
        let server = Server::start(data_dir, &[&asked[..], more].concat());
        let address = server.insecure.clone();
        Self { server, address }
    }

    /// Status code and body of one request on a connection of its own.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (code, body) = self.exchange(method, path, body);
        // In chunks where it is a stream: the first event of a watch is on a line of its own.
        let line = body.lines().find(|line| line.starts_with('{')).unwrap_or("null");
        let value = serde_json::from_str(line).or_else(|_| serde_json::from_str(&body));
        (code, value.unwrap())
    }

    /// A page that is no object.
    pub(crate) fn text(&self, path: &str) -> String {
        self.exchange("GET", path, "").1
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> (u16, String) {
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
        (code, body.to_owned())
    }

    pub(crate) fn stop(mut self) {
        self.server.signal(Signal::TERM);
        assert!(self.server.child.wait().unwrap().success());
    }
}
