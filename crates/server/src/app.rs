//! The server without its sockets: a request in, a reply out.
//!
//! The filters are in one function each, and in this order, which is Kubernetes': catch panics, say what the request is
//! about, set its deadline, tell who asks, limit how much happens at once, ask whether they may, and only then read the
//! body. Until the body is read, a client has cost a few microseconds, whoever it is.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use leasehold_api::options::{self, Query};
use leasehold_api::{ApiError, Time};
use leasehold_clock::{Clock, Monotonic};
use leasehold_registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::access::{Authenticator, Authorizer};
use crate::auth::User;
use crate::discovery::Documents;
use crate::health::Health;
use crate::in_flight::{Kind, Limits, Slot};
use crate::metrics::{self, Metrics, Series};
use crate::net::{self, Peer};
use crate::request_info::{RequestInfo, Verb};
use crate::route::NoRoute;
use crate::uri::{Pairs, PathError};
use crate::verbs::{self, Call};
use crate::version::VersionInfo;
use crate::{Body, deadline, negotiate, read_body, reply, route, uri, warnings};

/// Everything that answering a request takes. Share it in an [`Arc`].
pub struct App {
    /// What the API's verbs do.
    pub registry: Arc<Registry>,
    /// Who asks.
    pub authenticator: Arc<dyn Authenticator>,
    /// Whether they may.
    pub authorizer: Arc<dyn Authorizer>,
    /// What describes the API.
    pub documents: Documents,
    /// What is counted.
    pub metrics: Metrics,
    /// How much may happen at once.
    pub limits: Limits,
    /// What `/version` says.
    pub version: VersionInfo,
    /// Cancelled when the server goes down: it becomes unready, and watches end.
    pub drain: CancellationToken,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// What is learnt about a request on its way, for the log and the metrics.
struct Seen {
    started: Monotonic,
    series: Series,
    user: Option<User>,
}

/// A request whose meaning is known.
struct Asked<'a> {
    head: &'a Parts,
    info: RequestInfo<'a>,
    pairs: &'a Pairs<'a>,
    pretty: bool,
}

impl App {
    /// Answers a request. Never fails and never panics.
    pub async fn handle<B>(&self, request: Request<B>, peer: &Peer) -> Response<Body>
    where
        B: http_body::Body,
        B::Error: std::fmt::Display,
    {
        let (head, body) = request.into_parts();
        let mut seen = Seen {
            started: self.clock.now(),
            series: Series::UNKNOWN,
            user: None,
        };
        let answered = AssertUnwindSafe(self.understand(&head, body, peer, &mut seen))
            .catch_unwind()
            .await;
        let mut response = answered.unwrap_or_else(|panic| panicked(&head, &*panic));
        if head.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        self.record(&head, &response, &seen);
        response
    }

    /// Decodes what the request is about, and gives it its deadline.
    async fn understand<B>(&self, head: &Parts, body: B, peer: &Peer, seen: &mut Seen) -> Response<Body>
    where
        B: http_body::Body,
        B::Error: std::fmt::Display,
    {
        let pairs = uri::query_pairs(head.uri.query());
        let query = Query::new(&pairs);
        let pretty = options::pretty(query, verbs::user_agent(head));
        let path = match uri::decode_path(head.uri.path()) {
            Ok(path) => path,
            Err(PathError::NotCanonical) => return reply::page_not_found(),
            Err(PathError::Malformed) => {
                return reply::failure(
                    &ApiError::bad_request("the path of the request is malformed"),
                    &head.headers,
                    pretty,
                );
            }
        };
        let info = RequestInfo::new(&head.method, &path, query);
        seen.series = self.series(&info);
        let asked = Asked {
            head,
            info,
            pairs: &pairs,
            pretty,
        };
        let answered = async {
            let limit = if asked.info.verb == Verb::Watch {
                deadline::REQUEST_MAX
            } else {
                deadline::of(query)?
            };
            let answered = tokio::time::timeout(limit, self.admit(&asked, body, peer, seen)).await;
            answered.unwrap_or_else(|_| Err(deadline::exceeded()))
        };
        answered
            .await
            .unwrap_or_else(|error| reply::failure(&error, &head.headers, pretty))
    }

    fn series(&self, info: &RequestInfo<'_>) -> Series {
        let row = info.resource.map_or(0, |path| {
            self.metrics
                .row(path.group, path.version, path.resource, path.subresource)
        });
        Series::of(info, row)
    }

    /// Lets in whoever is known, has room and may, and sends the request where it leads.
    async fn admit<B>(
        &self,
        asked: &Asked<'_>,
        body: B,
        peer: &Peer,
        seen: &mut Seen,
    ) -> Result<Response<Body>, ApiError>
    where
        B: http_body::Body,
        B::Error: std::fmt::Display,
    {
        let now = Time::from_system(self.clock.wall());
        let user = self.authenticator.authenticate(peer, &asked.head.headers, now)?;
        let user = &*seen.user.insert(user);
        let kind = Kind::of(asked.info.verb);
        let slot = Slot::take(self.metrics.in_flight(kind), kind, &self.limits, user)?;
        self.authorizer.authorize(user, &asked.info.attributes())?;
        if asked.info.resource.is_some() {
            self.resource(asked, body, user, slot, &mut seen.series).await
        } else {
            self.page(asked)
        }
    }

    /// Answers about a resource.
    async fn resource<B>(
        &self,
        asked: &Asked<'_>,
        body: B,
        user: &User,
        slot: Slot,
        series: &mut Series,
    ) -> Result<Response<Body>, ApiError>
    where
        B: http_body::Body,
        B::Error: std::fmt::Display,
    {
        let path = asked.info.resource.unwrap_or_default();
        let place = match route::find(&asked.info, &path, &asked.head.method) {
            Ok(place) => place,
            Err(NoRoute::Page) => return Ok(reply::page_not_found()),
            Err(NoRoute::Error(error)) => return Err(error),
        };
        let deprecated = place.version.warning;
        let query = Query::new(asked.pairs);
        let mut call = Call {
            app: self,
            head: asked.head,
            query,
            pretty: asked.pretty,
            user,
            path: asked.info.path,
            place,
            warnings: Vec::new(),
        };
        let answered = dispatch(&mut call, &asked.info, body, slot, series).await;
        let mut response = answered.unwrap_or_else(|error| reply::failure(&error, &asked.head.headers, asked.pretty));
        warnings::add(
            response.headers_mut(),
            deprecated.into_iter().chain(call.warnings.iter().map(String::as_str)),
        );
        Ok(response)
    }

    /// Answers about anything else.
    fn page(&self, asked: &Asked<'_>) -> Result<Response<Body>, ApiError> {
        let path = asked.info.path;
        let store = || self.registry.ready().map_err(|error| error.to_string());
        let health = Health {
            store: &store,
            draining: self.drain.is_cancelled(),
        };
        let found = match path {
            "/version" => Some(self.version.reply()),
            "/metrics" => Some(self.metrics.reply()),
            _ => health.reply(path, asked.pairs).or_else(|| self.document(asked)),
        };
        match found {
            Some(_) if !matches!(asked.head.method, Method::GET | Method::HEAD) => Err(ApiError::method_not_allowed()),
            Some(reply) => Ok(reply),
            None => match route::nothing_at(path) {
                NoRoute::Page => Ok(reply::page_not_found()),
                NoRoute::Error(error) => Err(error),
            },
        }
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

    /// Counts and logs an answered request. No header but the program's name is logged, no query and no body: there may
    /// be secrets in them.
    fn record(&self, head: &Parts, response: &Response<Body>, seen: &Seen) {
        let took = self.clock.now().since(seen.started);
        let size = match response.body() {
            Body::Full(bytes) => Some(bytes.len()),
            Body::Stream(_) => None,
        };
        self.metrics.answered(seen.series, response.status(), took, size);
        tracing::debug!(
            method = %head.method,
            path = head.uri.path(),
            code = response.status().as_u16(),
            took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            bytes = size,
            user = seen.user.as_ref().map(|user| &*user.name),
            agent = ?verbs::user_agent(head).chars().take(64).collect::<String>(),
            "request"
        );
    }
}

impl net::Handler for App {
    type Body = Body;

    async fn handle(&self, request: Request<Incoming>, peer: &Arc<Peer>) -> Response<Body> {
        Self::handle(self, request, peer).await
    }
}

/// Reads the body of those that have one, and does what is asked.
async fn dispatch<B>(
    call: &mut Call<'_>,
    info: &RequestInfo<'_>,
    body: B,
    slot: Slot,
    series: &mut Series,
) -> Result<Response<Body>, ApiError>
where
    B: http_body::Body,
    B::Error: std::fmt::Display,
{
    let headers = &call.head.headers;
    match (info.verb, &info.list_options) {
        (Verb::Get, _) => verbs::get(call).await,
        (Verb::List, Some(options)) => verbs::list(call, options.as_ref().map_err(Clone::clone)?).await,
        (Verb::Watch, Some(options)) => {
            verbs::watch(call, options.as_ref().map_err(Clone::clone)?, *series, slot).await
        }
        (Verb::Create, _) => verbs::create(call, &read_body::read(headers, body).await?).await,
        (Verb::Update, _) => verbs::update(call, &read_body::read(headers, body).await?).await,
        (Verb::Patch, _) => {
            let kind = negotiate::patch_kind(headers)?;
            if kind == leasehold_registry::PatchKind::Apply {
                series.verb = metrics::Verb::Apply;
            }
            verbs::patch(call, kind, &read_body::read(headers, body).await?).await
        }
        (Verb::Delete, _) => verbs::delete(call, &read_body::read(headers, body).await?).await,
        (Verb::DeleteCollection, _) => verbs::delete_collection(call, &read_body::read(headers, body).await?).await,
        (Verb::List | Verb::Watch, None) | (Verb::Other(_), _) => Err(ApiError::method_not_allowed()),
    }
}

/// 500 for a bug of ours, which is logged and told nobody.
fn panicked(head: &Parts, panic: &(dyn Any + Send)) -> Response<Body> {
    let text = panic.downcast_ref::<&str>().copied();
    let why = text
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(method = %head.method, path = head.uri.path(), why, "a request ended with a panic");
    let error = ApiError::internal("the server has a bug and could not answer; its log says more");
    reply::failure(&error, &head.headers, false)
}
