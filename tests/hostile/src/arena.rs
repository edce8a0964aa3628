//! [`Arena`]: a server with a few users, and the attacks on it.

use std::net::SocketAddr;
use std::sync::Arc;

use leasehold_conformance::TestServer;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tempfile::TempDir;

use crate::{Authority, Holder, Reply, Request, Row, Want, Wire, lease, soon};

/// The leases of namespace `default`, in one of which, `a`, there is something to attack.
pub const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

/// Who may do what: the admin everything, the node n1 what its kubelet does, nobody in particular next to nothing.
const TOKENS: &str = "admin-token,admin,1,system:masters
node-token,system:node:n1,2,system:nodes
nobody-token,nobody,3,team
";

/// A server to attack.
pub struct Arena {
    server: TestServer,
    plain: SocketAddr,
    tls: SocketAddr,
    _tokens: TempDir,
}

impl Arena {
    /// A new server with the lease `a` in `default`.
    pub async fn start() -> Self {
        Self::start_logging("info").await
    }

    /// The same, with this much in its log.
    pub async fn start_logging(level: &str) -> Self {
        let tokens = tempfile::tempdir().expect("a directory");
        let path = tokens.path().join("tokens.csv");
        std::fs::write(&path, TOKENS).expect("a file");
        let path = path.to_str().expect("a path");
        let args = [
            "--token-file",
            path,
            "--insecure-http",
            "127.0.0.1:0",
            "--log-level",
            level,
            // Refusals are known by nothing having changed, so nobody else may write meanwhile.
            "--controllers",
            "event-expiry,namespace-deletion",
        ];
        let server = TestServer::start(&args).await.expect("the server starts");
        let said = |what: &str, stderr: &str| {
            let (_, rest) = stderr
                .split_once(what)
                .unwrap_or_else(|| panic!("no {what} in {stderr}"));
            let address = rest.split(|c: char| c != '.' && c != ':' && !c.is_ascii_digit()).next();
            address
                .and_then(|text| text.parse().ok())
                .unwrap_or_else(|| panic!("no address after {what}"))
        };
        let stderr = server.stderr();
        let arena = Self {
            plain: said("insecure_http=", &stderr),
            tls: said("url=\"https://", &stderr),
            server,
            _tokens: tokens,
        };
        let created = Request::post(LEASES, lease("a", &serde_json::json!({"holderIdentity": "h"})));
        assert_eq!(arena.ask(&created).await.code, Some(201));
        arena
    }

    /// Where it speaks plain HTTP.
    #[must_use]
    pub fn plain_address(&self) -> SocketAddr {
        self.plain
    }

    /// Where it speaks TLS.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        self.tls
    }

    /// The server's own authority, with which anybody can be made.
    #[must_use]
    pub fn authority(&self) -> Authority {
        Authority::of_server(self.server.data_dir())
    }

    /// What the server wrote to stderr.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.stderr()
    }

    /// How to speak TLS with it.
    #[must_use]
    pub fn client_config(&self, holder: Option<Holder>, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let ca = std::fs::read(self.server.data_dir().join("pki/ca.crt")).expect("the server wrote it");
        roots
            .add(CertificateDer::from_pem_slice(&ca).expect("a certificate"))
            .expect("a CA");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring does TLS")
            .with_root_certificates(roots);
        let mut config = match holder {
            Some(holder) => builder
                .with_client_auth_cert(holder.chain, holder.key)
                .expect("a key of the certificate"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// A plain connection.
    pub async fn connect(&self) -> Wire {
        Wire::plain(self.plain).await
    }

    /// A connection within TLS, without a client certificate.
    pub async fn connect_tls(&self, alpn: &[&str]) -> Wire {
        let config = self.client_config(None, alpn);
        Wire::tls(self.tls, config).await.expect("a handshake")
    }

    /// Asks once, over plain HTTP.
    pub async fn ask(&self, request: &Request) -> Reply {
        self.ask_raw("a request", &request.bytes()).await
    }

    /// Sends bytes over plain HTTP and reads until the server closes.
    pub async fn ask_raw(&self, name: &str, bytes: &[u8]) -> Reply {
        Reply::parse(&soon(name, self.connect().await.exchange(bytes)).await)
    }

    /// The revision of the whole store.
    pub async fn revision(&self) -> String {
        let path = "/apis/coordination.k8s.io/v1/leases?limit=1";
        let list = self.ask(&Request::get(path)).await.json().expect("a list");
        list["metadata"]["resourceVersion"]
            .as_str()
            .expect("a version")
            .to_owned()
    }

    /// Fails unless the server answers on a new connection.
    pub async fn must_serve(&self, after: &str) {
        let reply = self.ask(&Request::get("/readyz")).await;
        assert_eq!(
            reply.code,
            Some(200),
            "after {after}; the log ends with\n{}",
            self.log_end()
        );
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Memory of the server that is in use, in bytes.
    #[must_use]
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb: u64 = line
            .and_then(|kb| kb.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or(0);
        kb * 1024
    }

    /// Attacks with each row over plain HTTP, and tells of everything that is not as it must be.
    pub async fn withstand(&self, rows: impl IntoIterator<Item = Row>) {
        let mut wrong = Vec::new();
        for row in rows {
            let before = self.revision().await;
            let reply = self.ask_raw(&row.name, &row.bytes).await;
            wrong.extend(judge(&row, &reply).err());
            self.must_serve(&row.name).await;
            if !matches!(row.want, Want::Taken(_)) && self.revision().await != before {
                wrong.push(format!("{}: it changed something", row.name));
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        self.must_be_unharmed();
    }

    /// Fails when the log tells of a bug: a panic, or an error, which nothing that a client does may cause.
    pub fn must_be_unharmed(&self) {
        let log = self.log();
        let is_error = |line: &&str| line.split_whitespace().nth(1) == Some("ERROR") || line.contains("panicked at");
        let bad = log.lines().find(is_error);
        assert_eq!(bad, None, "in the server's log");
    }
}

fn judge(row: &Row, reply: &Reply) -> Result<(), String> {
    let as_wanted = match row.want {
        Want::Refused(code) => reply.code == Some(code) && is_status(reply, code),
        Want::Page(code) | Want::Taken(code) => reply.code == Some(code),
        Want::Cut(code) => reply.code.is_none_or(|got| got == code),
    };
    if as_wanted {
        return Ok(());
    }
    let text: String = reply.text().chars().take(300).collect();
    Err(format!(
        "{}: want {:?}, got {:?} {text}",
        row.name, row.want, reply.code
    ))
}

/// Whether the body is a Status of this code with words in it.
fn is_status(reply: &Reply, code: u16) -> bool {
    reply.json().is_some_and(|body| {
        let words = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
        body["kind"] == "Status"
            && body["status"] == "Failure"
            && body["code"] == code
            && words("message")
            && words("reason")
    })
}
