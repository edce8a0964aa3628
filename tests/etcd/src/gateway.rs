//! What our client has no call for: users and roles, through etcd's own JSON gateway.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Cluster, Error};

impl Cluster {
    /// Posts to the gateway of the first member, of a cluster without TLS: `path` as in `/v3/auth/enable`, `body` in JSON.
    ///
    /// # Errors
    /// Unless etcd says 200, with what it says instead.
    pub async fn post(&self, path: &str, body: &str) -> Result<(), Error> {
        let endpoint = &self.endpoints()[0];
        let host = endpoint
            .strip_prefix("http://")
            .ok_or("the gateway is asked without TLS")?;
        let mut stream = TcpStream::connect(host).await?;
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        if answer.starts_with("HTTP/1.1 200 ") {
            return Ok(());
        }
        Err(format!("{path}: {answer}").into())
    }

    /// Turns authentication on, with a root user whose password nobody here uses.
    ///
    /// # Errors
    /// When etcd refuses.
    pub async fn enable_auth(&self) -> Result<(), Error> {
        self.post("/v3/auth/user/add", r#"{"name":"root","password":"x"}"#)
            .await?;
        self.post("/v3/auth/role/add", r#"{"name":"root"}"#).await?;
        self.post("/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#)
            .await?;
        self.post("/v3/auth/enable", "{}").await
    }
}
