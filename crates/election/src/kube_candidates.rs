//! Lease candidates of a Kubernetes API server, at the version that 1.33 and later serve.

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use kube::core::params::{DeleteParams, GetParams, PostParams};
use kube::core::request::Request as Path;
use leasehold_api::coordination::LeaseCandidate;
use leasehold_api::meta::ObjectMeta;
use serde::de::IgnoredAny;

use crate::kube::{KubeLeases, Typed, WatchStep};
use crate::{ApiFailure, CandidateApi, CandidateSights};

const API_VERSION: &str = "coordination.k8s.io/v1beta1";

fn path(namespace: &str) -> String {
    format!("/apis/{API_VERSION}/namespaces/{namespace}/leasecandidates")
}

fn body(candidate: &LeaseCandidate) -> Result<Vec<u8>, ApiFailure> {
    let typed = Typed {
        api_version: API_VERSION,
        kind: "LeaseCandidate",
        object: candidate,
    };
    typed.to_vec()
}

impl CandidateApi for KubeLeases {
    fn get_candidate<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<LeaseCandidate>, ApiFailure>> {
        Box::pin(async move {
            let request = Path::new(path(namespace)).get(name, &GetParams::default());
            ApiFailure::absent_is_none(self.object(request).await)
        })
    }

    fn create_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>> {
        Box::pin(async move {
            let path = Path::new(path(&candidate.metadata.namespace));
            self.object(path.create(&PostParams::default(), body(&candidate)?))
                .await
        })
    }

    fn update_candidate(&self, candidate: LeaseCandidate) -> BoxFuture<'_, Result<LeaseCandidate, ApiFailure>> {
        Box::pin(async move {
            let ObjectMeta { namespace, name, .. } = &candidate.metadata;
            let path = Path::new(path(namespace));
            self.object(path.replace(name, &PostParams::default(), body(&candidate)?))
                .await
        })
    }

    fn delete_candidate<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), ApiFailure>> {
        Box::pin(async move {
            let request = Path::new(path(namespace)).delete(name, &DeleteParams::default());
            // A Status or the object, by what the server is: both say that it is done.
            ApiFailure::absent_is_none(self.send::<IgnoredAny>(request).await).map(drop)
        })
    }

    fn watch_candidate<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<CandidateSights, ApiFailure>> {
        Box::pin(async move {
            let events = self.events::<LeaseCandidate>(&path(namespace), Some(name)).await?;
            let mut present = false;
            let sights = events.try_filter_map(move |event| {
                let sight = match event {
                    WatchStep::Applied(candidate) => {
                        present = true;
                        Some(Some(candidate))
                    }
                    WatchStep::Deleted(_) => Some(None),
                    WatchStep::Synced => (!present).then_some(None),
                    WatchStep::Bookmark => None,
                };
                std::future::ready(Ok(sight))
            });
            Ok(sights.boxed())
        })
    }
}
