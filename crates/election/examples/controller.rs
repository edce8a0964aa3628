//! A controller of which only one replica reconciles: it marks the leases in its namespace that ask for it by a label.
//!
//!     cargo run -p leasehold-election --example controller
//!
//! Start it twice, and stop the one that leads with Ctrl-C: the other goes on at once. Give it something to do with
//!
//!     kubectl create -f - <<< '{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
//!         "metadata": {"name": "some", "labels": {"example.com/mark": "please"}}}'

#![allow(clippy::print_stdout)] // it shows what it does

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher;
use kube::{Client, Config, ResourceExt};
use leasehold_election::{Elector, KubeLeases, Leadership, Leases, NotLeading};
use tokio_util::sync::CancellationToken;

/// The label of those that want to be marked.
const LABEL: &str = "example.com/mark";
/// What they are marked with: who did it, by the token of the term.
const MARK: &str = "example.com/reconciled-by-term";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

struct Context {
    client: Client,
    leadership: Leadership,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::infer().await?;
    // The election has connections of its own: no burst of reconciliations delays a renewal.
    let leases = Leases::new(KubeLeases::new(config.clone())?);
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config)?;

    let elector = Elector::builder(&leases, namespace, "example-controller").build()?;
    println!("I am {}", elector.identity());
    elector
        .run(told_to_end(), move |leadership| {
            reconcile_all(client.clone(), leadership)
        })
        .await?;
    Ok(())
}

/// The controller, for one term. Its caches begin anew with each: what another leader did meanwhile is seen.
async fn reconcile_all(client: Client, leadership: Leadership) {
    println!("leading with token {}", leadership.token());
    let lost = leadership.clone();
    let context = Arc::new(Context {
        client: client.clone(),
        leadership,
    });
    Controller::new(Api::<Lease>::default_namespaced(client), watcher::Config::default().labels(LABEL))
        // Reconciliations under way are ended, and awaited, before the lease is given back.
        .graceful_shutdown_on(async move {
            println!("stopping: {}", lost.lost().await);
        })
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(5)), context)
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn reconcile(object: Arc<Lease>, context: Arc<Context>) -> Result<Action, Error> {
    if object.annotations().contains_key(MARK) {
        return Ok(Action::await_change());
    }
    let token = context.leadership.token().to_string();
    // The resourceVersion makes it a compare-and-swap: a leader that wakes up late overwrites nothing.
    let patch = serde_json::json!({"metadata": {
        "resourceVersion": object.resource_version(),
        "annotations": {MARK: token},
    }});
    let api: Api<Lease> = Api::default_namespaced(context.client.clone());
    // Right before the side effect.
    context.leadership.check()?;
    api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    println!("marked {}", object.name_any());
    Ok(Action::await_change())
}

fn told_to_end() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        // Where it cannot be heard, the program ends by being killed.
        if tokio::signal::ctrl_c().await.is_ok() {
            told.cancel();
        }
    });
    stop
}
