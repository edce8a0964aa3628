//! What comes of a write when somebody else's comes between its look and its leap.

use std::sync::Arc;

use bytes::Bytes;
use leasehold_api::codec::{self, Format};
use leasehold_registry::resources::NAMESPACES;
use leasehold_registry::{Place, Registry};
use serde_json::{Value, json};

use crate::harness::options;
use crate::meddling::Scene;

fn decode(place: &Place, body: &Value) -> codec::Decoded {
    codec::decode(Format::Json, &place.target(), &Bytes::from(body.to_string())).expect("a good body")
}

async fn create(registry: &Registry, place: &Place, body: Value) {
    registry.create(place, decode(place, &body), &options()).await.unwrap();
}

#[tokio::test]
async fn an_update_that_is_tried_again_still_warns_of_unknown_fields() {
    let scene = Scene::new().await;
    let namespaces = Place::collection(&NAMESPACES, "");
    create(&scene.registry, &namespaces, json!({"metadata": {"name": "team"}})).await;
    let rival = Arc::new(scene.rival());
    let at = namespaces.named("team");
    scene.store.before_next_write({
        let at = at.clone();
        move |_| async move {
            let label = json!({"metadata": {"labels": {"from": "rival"}}}).to_string();
            let kind = leasehold_registry::PatchKind::Merge;
            rival.patch(&at, kind, &label.into(), &options()).await.unwrap();
        }
    });
    let mut lenient = options();
    lenient.strict = false;
    let body = json!({"metadata": {"name": "team", "labels": {"mine": "yes"}}, "bogus": 1});
    let written = scene.registry.update(&at, decode(&at, &body), &lenient).await.unwrap();
    assert_eq!(written.object.metadata().labels["mine"], "yes");
    assert_eq!(written.warnings.len(), 1, "{:?}", written.warnings);
    scene.close().await;
}
