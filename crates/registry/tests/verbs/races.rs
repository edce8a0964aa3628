//! What comes of a write when somebody else's comes between its look and its leap.

use std::sync::Arc;

use bytes::Bytes;
use leasehold_api::codec::{self, Format};
use leasehold_api::options::{DeleteOptions, ListOptions};
use leasehold_registry::resources::{LEASES, NAMESPACES};
use leasehold_registry::{PatchKind, Place, Registry, Subresource};
use serde_json::{Value, json};

use crate::harness::{lease, leases, names, options};
use crate::meddling::Scene;

fn decode(place: &Place, body: &Value) -> codec::Decoded {
    codec::decode(Format::Json, &place.target(), &Bytes::from(body.to_string())).expect("a good body")
}

async fn create(registry: &Registry, place: &Place, body: Value) {
    registry.create(place, decode(place, &body), &options()).await.unwrap();
}

#[tokio::test]
async fn an_update_that_is_tried_again_still_warns_of_unknown_fields() {
    for version in ["", "0"] {
        update_against_a_rival(version).await;
    }
}

async fn update_against_a_rival(version: &str) {
    let scene = Scene::new().await;
    let namespaces = Place::collection(&NAMESPACES, "");
    create(&scene.registry, &namespaces, json!({"metadata": {"name": "team"}})).await;
    let rival = Arc::new(scene.rival());
    let at = namespaces.named("team");
    scene.store.before_next_write({
        let at = at.clone();
        move |_| async move {
            let label = json!({"metadata": {"labels": {"from": "rival"}}}).to_string();
            rival
                .patch(&at, PatchKind::Merge, &label.into(), &options())
                .await
                .unwrap();
        }
    });
    let mut lenient = options();
    lenient.strict = false;
    // Neither a missing version nor 0 is one: both are tried again.
    let body = json!({"metadata": {"name": "team", "resourceVersion": version, "labels": {"mine": "yes"}}, "bogus": 1});
    let written = scene.registry.update(&at, decode(&at, &body), &lenient).await.unwrap();
    assert_eq!(written.item.object().unwrap().metadata().labels["mine"], "yes");
    assert_eq!(written.warnings.len(), 1, "{:?}", written.warnings);
    scene.close().await;
}

#[tokio::test]
async fn deleting_a_collection_passes_by_a_namesake_made_since() {
    let scene = Scene::new().await;
    for name in ["a", "b"] {
        create(&scene.registry, &leases(), lease(name, "h")).await;
    }
    let rival = scene.rival();
    scene.store.before_next_write(|_| async move {
        let a = leases().named("a");
        rival.delete(&a, &DeleteOptions::default(), &options()).await.unwrap();
        create(&rival, &leases(), lease("a", "new")).await;
    });
    let deleted = scene
        .registry
        .delete_collection(
            &leases(),
            &ListOptions::default(),
            &DeleteOptions::default(),
            &options(),
        )
        .await
        .unwrap();
    assert_eq!(names(&deleted), ["a", "b"]);
    let left = scene.registry.list(&leases(), &ListOptions::default()).await.unwrap();
    assert_eq!(names(&left), ["a"], "the new one stays");
    scene.close().await;
}

#[tokio::test]
async fn what_is_created_while_its_namespace_goes_does_not_outlive_it() {
    let scene = Scene::new().await;
    let namespaces = Place::collection(&NAMESPACES, "");
    create(&scene.registry, &namespaces, json!({"metadata": {"name": "team"}})).await;
    let (rival, team) = (scene.rival(), namespaces.named("team"));
    scene.store.before_next_write(|_| async move {
        rival
            .delete(&team, &DeleteOptions::default(), &options())
            .await
            .unwrap();
        let finalize = Place {
            subresource: Some(Subresource::Finalize),
            ..team
        };
        let body = decode(&finalize, &json!({"metadata": {"name": "team"}}));
        rival.update(&finalize, body, &options()).await.unwrap();
    });
    let place = Place::collection(&LEASES, "team");
    let created = scene
        .registry
        .create(&place, decode(&place, &lease("a", "h")), &options())
        .await;
    assert_eq!(created.unwrap_err().code(), 404);
    let left = scene.registry.list(&place, &ListOptions::default()).await.unwrap();
    assert!(left.items.is_empty());
    scene.close().await;
}
