//! What the controllers are doing, for those who may do everything.

use http::Method;

use crate::fixture::Server;

const PATH: &str = "/debug/controllers";

#[tokio::test]
async fn the_controllers_are_shown_to_those_who_may_do_everything_and_to_nobody_else() {
    let server = Server::start().await;
    let shown = server.get(PATH, &[]).await;
    assert_eq!((shown.code, shown.header("content-type")), (200, "application/json"));
    assert_eq!(shown.json(), serde_json::json!({"controllers": []}));
    assert!(server.get("/", &[]).await.text().contains(PATH));
    assert_eq!(server.ask(Method::POST, PATH, &[], "").await.code, 405);
    for (token, code) in [("Bearer nobody", 403), ("Bearer wrong", 401)] {
        let refused = server.get(PATH, &[("authorization", token)]).await;
        assert_eq!(refused.code, code, "{token}: {}", refused.text());
    }
}
