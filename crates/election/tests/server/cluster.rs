//! A running server.

use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use leasehold_conformance::TestServer;
use leasehold_election::{KubeLeases, Leases};

pub(crate) struct Cluster {
    pub(crate) server: TestServer,
}

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

impl Cluster {
    pub(crate) async fn start() -> Self {
        let server = TestServer::start(&[]).await.expect("the server starts");
        Self { server }
    }

    pub(crate) async fn config(&self) -> kube::Config {
        let path = self.server.data_dir().join("admin.kubeconfig");
        let file = Kubeconfig::read_from(path).expect("the admin's kubeconfig");
        kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
            .await
            .expect("a usable kubeconfig")
    }

    /// Connections of their own, as another process would have.
    pub(crate) async fn leases(&self) -> KubeLeases {
        KubeLeases::new(self.config().await).expect("a client")
    }

    pub(crate) async fn process(&self) -> Leases {
        Leases::new(self.leases().await)
    }
}

/// The value, once it is there; told apart by `what` when it never is.
pub(crate) async fn soon<T>(what: &str, value: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, value)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}
