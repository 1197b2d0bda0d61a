//! The forms of the status page, which people use whom nobody knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use hikeshi_domain::policy::{PageName, Visibility};
use hikeshi_testkit::World;
use hikeshi_web::WebOptions;
use hikeshi_web::status::{Shelf, Site};

use crate::face::{Face, URL};

#[tokio::test(flavor = "multi_thread")]
async fn status_forms_that_are_flooded_answer_without_the_database_and_each_by_itself() {
    let world = World::new().await.expect("a world");
    let shelf = Shelf::default();
    let at = world.now();
    let title = PageName { ja: "状況".to_owned(), en: "Status".to_owned() };
    shelf.put(Some(Arc::new(Site { at, title, visibility: Visibility::Public, mail: true, directory: None, files: BTreeMap::new() })));
    let options = WebOptions { status: shelf, ..WebOptions::new(world.door().expect("a door"), URL.parse().expect("an address")) };
    let face = Face { app: hikeshi_web::app(options), world };
    let post = async |path: &str, body: &'static str| {
        let request = Face::request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        face.send(request.body(Body::from(body)).expect("a request")).await.status
    };
    for (path, body, usual) in [
        ("/status/leave/1.none", "List-Unsubscribe=One-Click", StatusCode::OK),
        ("/status/confirm/1.none", "", StatusCode::GONE),
        ("/status/subscribe", "address=a%40example.test", StatusCode::OK),
    ] {
        assert_eq!(post(path, body).await, usual, "{path}: the floods before were at other forms");
        let mut refused = 0;
        for _ in 0..400 {
            refused += usize::from(post(path, body).await == StatusCode::TOO_MANY_REQUESTS);
        }
        assert!(refused > 0, "{path}: nothing holds a flood back");
    }
    face.end().await;
}
