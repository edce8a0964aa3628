//! Everything that is not a resource: health, version, metrics, and the documents that describe the API.

use http::{Method, Response, StatusCode};
use leasehold_api::ApiError;
use serde_json::{Value, json};

use crate::app::{App, Asked};
use crate::health::{self, Health};
use crate::route::NoRoute;
use crate::{Body, backup, negotiate, reply, route};

/// What the controllers are doing. Only for those who may do everything.
const CONTROLLERS: &str = "/debug/controllers";

/// Says what the controllers are doing, as one JSON object.
pub type StatusSource = Box<dyn Fn() -> Value + Send + Sync>;

fn status(source: &StatusSource) -> Response<Body> {
    let body = serde_json::to_vec_pretty(&source()).expect("a value has a JSON form");
    reply::new(StatusCode::OK, negotiate::JSON, body)
}

impl App {
    /// Answers about anything else.
    pub(crate) fn page(&self, asked: &Asked<'_>) -> Result<Response<Body>, ApiError> {
        let path = asked.info.path;
        let store = || self.registry.ready().map_err(|error| error.to_string());
        let health = Health {
            store: &store,
            draining: self.drain.is_cancelled(),
        };
        let found = match path {
            "/" => Some(self.index()),
            "/version" => Some(self.version.reply()),
            "/metrics" => Some(self.metrics.reply()),
            CONTROLLERS => self.controllers.as_ref().map(status),
            backup::PATH => self.backup.as_ref().map(backup::reply),
            _ => health.reply(path, asked.query).or_else(|| self.document(asked)),
        };
        match found {
            Some(_) if !matches!(asked.head.method, Method::GET | Method::HEAD) => Err(ApiError::method_not_allowed()),
            Some(reply) => Ok(reply),
            None => match route::nothing_at(path, self.registry.served()) {
                NoRoute::Page => Ok(reply::page_not_found()),
                NoRoute::Error(error) => Err(error),
            },
        }
    }

    /// What there is to read.
    fn index(&self) -> Response<Body> {
        let own = ["/metrics", "/version"].into_iter().map(str::to_owned);
        let mut paths: Vec<String> = own.chain(health::paths()).collect();
        paths.extend(self.backup.iter().map(|_| backup::PATH.to_owned()));
        paths.extend(self.controllers.iter().map(|_| CONTROLLERS.to_owned()));
        paths.extend(self.documents.paths().map(str::to_owned));
        paths.sort_unstable();
        let body = serde_json::to_vec_pretty(&json!({ "paths": paths })).expect("texts have a JSON form");
        reply::new(StatusCode::OK, negotiate::JSON, body)
    }

    /// Discovery and OpenAPI.
    fn document(&self, asked: &Asked<'_>) -> Option<Response<Body>> {
        let document = self.documents.find(asked.info.path)?;
        let answer = document.answer(&asked.head.headers, asked.head.uri.query());
        Some(match answer {
            Ok(reply) => reply.map(Body::from),
            Err(error) => reply::failure(&error, &asked.head.headers, asked.pretty),
        })
    }
}
