//! A service of which one replica is ready: traffic goes to the leader.
//!
//!     cargo run -p leasehold-election --example service -- 127.0.0.1:8080
//!     curl -i 127.0.0.1:8080/readyz
//!
//! `/readyz` is for the readiness probe: 200 while this replica leads. `/livez` is for the liveness probe: it fails when work
//! goes on after its term, which only a restart ends.

#![allow(clippy::print_stdout)] // it shows what it does

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use kube::Config;
use leasehold_election::{Elector, Health, KubeLeases, Leases, State as Standing};
use tokio::net::TcpListener;
use tokio::sync::watch;

#[derive(Clone)]
struct App {
    standing: watch::Receiver<Standing>,
    health: Health,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let config = Config::infer().await?;
    let namespace = config.default_namespace.clone();
    let leases = Leases::new(KubeLeases::new(config)?);
    let health = Health::default();
    let election = Elector::builder(&leases, namespace, "example-service")
        .health(&health)
        .build()?
        .start();

    let app = App {
        standing: election.state(),
        health,
    };
    let listener = TcpListener::bind(&address).await?;
    println!("http://{address}");
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(async {
        // Where it cannot be heard, the program ends by being killed.
        let _ = tokio::signal::ctrl_c().await;
    });
    served.await?;
    // Requests have ended: another may lead.
    election.stop().await?;
    Ok(())
}

fn router(app: App) -> Router {
    Router::new()
        .route("/readyz", get(readyz))
        .route("/livez", get(livez))
        .route("/", get(work))
        .with_state(app)
}

async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    match &*app.standing.borrow() {
        // Asked, not remembered: it turns false by itself.
        Standing::Leader(leadership) if leadership.is_valid() => (StatusCode::OK, "leading\n".to_owned()),
        Standing::Follower { holder: Some(holder) } => (StatusCode::SERVICE_UNAVAILABLE, format!("{holder} leads\n")),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "not leading\n".to_owned()),
    }
}

async fn livez(State(app): State<App>) -> (StatusCode, String) {
    match app.health.check(Duration::from_secs(20)) {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(unhealthy) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{unhealthy}\n")),
    }
}

/// Readiness lags: a request may come to one that leads no more. The guard keeps the lease until the answer is out.
async fn work(State(app): State<App>) -> Result<String, (StatusCode, String)> {
    let unavailable = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why);
    let leadership = match &*app.standing.borrow() {
        Standing::Leader(leadership) => leadership.clone(),
        _ => return Err(unavailable("not leading\n".to_owned())),
    };
    let _guard = leadership.guard().map_err(|error| unavailable(format!("{error}\n")))?;
    leadership.check().map_err(|error| unavailable(format!("{error}\n")))?;
    Ok(format!("done in the term {}\n", leadership.token()))
}
