//! [`Cluster`]: a client of the server, and a namespace for one test.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use libtest_mimic::Failed;

use crate::Outcome;

/// How long to wait for something that should happen soon. Generous: the machine may be busy.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// A server, as one test sees it.
pub(crate) struct Cluster {
    config: Config,
    /// A client that may do everything.
    pub(crate) client: Client,
    /// The test's own.
    pub(crate) namespace: String,
}

impl Cluster {
    /// Connects and makes the namespace.
    pub(crate) async fn connect(kubeconfig: &Path) -> Result<Self, Failed> {
        let file = Kubeconfig::read_from(kubeconfig)?;
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config.clone())?;
        let wanted = Namespace {
            metadata: ObjectMeta {
                generate_name: Some("rust-".to_owned()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let made = Api::all(client.clone()).create(&PostParams::default(), &wanted).await?;
        Ok(Self {
            config,
            client,
            namespace: made.name_any(),
        })
    }

    /// Deletes the namespace; what is in it goes too.
    pub(crate) async fn leave(self) -> Outcome {
        let namespaces = Api::<Namespace>::all(self.client);
        namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        Ok(())
    }

    /// The leases of the test's namespace.
    pub(crate) fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A client that shows no credentials.
    pub(crate) fn anonymous(&self) -> Result<Client, Failed> {
        let mut config = self.config.clone();
        config.auth_info = AuthInfo::default();
        Ok(Client::try_from(config)?)
    }
}

/// A lease that its holder has just taken.
pub(crate) fn lease(name: &str, holder: &str) -> Lease {
    let now = Timestamp::from_microsecond(1_767_323_045_678_901).expect("a time of 2026 is in range");
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(now)),
            ..LeaseSpec::default()
        }),
    }
}

/// Creates it.
pub(crate) async fn create(leases: &Api<Lease>, lease: &Lease) -> kube::Result<Lease> {
    leases.create(&PostParams::default(), lease).await
}

/// Who holds it; empty without a holder.
pub(crate) fn holder(lease: &Lease) -> &str {
    let spec = lease.spec.as_ref();
    spec.and_then(|spec| spec.holder_identity.as_deref())
        .unwrap_or_default()
}

/// The version as the number it is, since Kubernetes promises that they can be compared.
pub(crate) fn version(lease: &Lease) -> u64 {
    let version = lease.resource_version().expect("what a server sends has a version");
    version.parse().expect("a version is a number")
}

/// What the future gives, if it does in time.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Failed> {
    let result = tokio::time::timeout(WAIT_MAX, future).await;
    result.map_err(|_| format!("no {what} within {WAIT_MAX:?}").into())
}
