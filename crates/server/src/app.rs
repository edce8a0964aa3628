//! The server without its sockets: a request in, a reply out.
//!
//! The filters are in one function each, and in this order, which is Kubernetes': catch panics, say what the request is
//! about, set its deadline, tell who asks, limit how much happens at once, ask whether they may, and only then read the
//! body. Until the body is read, a client has cost a few microseconds, whoever it is.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use leasehold_api::options::{self, Query};
use leasehold_api::{ApiError, Time};
use leasehold_clock::{Clock, Monotonic};
use leasehold_registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::WatchesPerUser;
use crate::auth::{Authenticator, Authorizer, MASTERS, User};
use crate::backup::BackupSource;
use crate::discovery::Documents;
use crate::in_flight::{Kind, Limits, Slot};
use crate::metrics::{Metrics, Series};
use crate::net::{self, Peer};
use crate::pages::StatusSource;
use crate::request_info::{RequestInfo, ResourcePath, Verb};
use crate::route::NoRoute;
use crate::uri::{Pairs, PathError};
use crate::verbs::{self, Call};
use crate::version::VersionInfo;
use crate::{Body, deadline, health, no_pods, reply, route, uri, warnings};

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
    /// What `/leasehold/backup` sends; without it there is no such page.
    pub backup: Option<BackupSource>,
    /// What `/debug/controllers` says; without it there is no such page.
    pub controllers: Option<StatusSource>,
    /// How much may happen at once.
    pub limits: Limits,
    /// Whose watches are open.
    pub watches: WatchesPerUser,
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
pub(crate) struct Asked<'a> {
    pub(crate) head: &'a Parts,
    pub(crate) peer: &'a Peer,
    pub(crate) info: RequestInfo<'a>,
    pub(crate) query: &'a Pairs<'a>,
    /// Whether the client is a person, or wants to be treated as one.
    pub(crate) pretty: bool,
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
        if head.version == Version::HTTP_2 && seen.user.as_ref().is_none_or(User::is_anonymous) {
            // Resetting streams as fast as they are opened costs a stranger a new connection each time (CVE-2023-44487).
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.record(&head, &mut response, &seen);
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
            peer,
            info,
            query: &pairs,
            pretty,
        };
        let answered = async {
            let limit = if asked.info.verb == Verb::Watch {
                deadline::REQUEST_MAX
            } else {
                deadline::of(query)?
            };
            let answered = tokio::time::timeout(limit, self.admit(&asked, body, seen)).await;
            answered.unwrap_or_else(|_| Err(deadline::exceeded()))
        }
        .await;
        answered.unwrap_or_else(|error| reply::failure(&error, &head.headers, pretty))
    }

    fn series(&self, info: &RequestInfo<'_>) -> Series {
        let row = info.resource.map_or(0, |path| {
            self.metrics
                .row(path.group, path.version, path.resource, path.subresource)
        });
        Series::of(info, row)
    }

    /// Lets in whoever is known, has room and may, and sends the request where it leads.
    async fn admit<B>(&self, asked: &Asked<'_>, body: B, seen: &mut Seen) -> Result<Response<Body>, ApiError>
    where
        B: http_body::Body,
        B::Error: std::fmt::Display,
    {
        let now = Time::from_system(self.clock.wall());
        let user = self
            .authenticator
            .authenticate(asked.peer, &asked.head.headers, now.seconds)?;
        let user = &*seen.user.insert(user);
        let kind = Kind::of(asked.info.verb);
        // Operators must be able to see what is going on, and a server that is busy must not look dead.
        let exempt = user.is_in(MASTERS) || health::is_probe(asked.info.path);
        let slot = Slot::take(self.metrics.in_flight(kind), kind, &self.limits, exempt)?;
        self.authorizer.authorize(user, &asked.info.attributes())?;
        match &asked.info.resource {
            Some(path) => self.resource(asked, path, body, user, slot, &mut seen.series).await,
            None => self.page(asked),
        }
    }

    /// Answers about a resource.
    async fn resource<B>(
        &self,
        asked: &Asked<'_>,
        path: &ResourcePath<'_>,
        body: B,
        user: &User,
        slot: Slot,
        series: &mut Series,
    ) -> Result<Response<Body>, ApiError>
    where
        B: http_body::Body,
        B::Error: std::fmt::Display,
    {
        if self.registry.served().has_group("") && no_pods::asks(asked, path) {
            return no_pods::reply(asked, self.registry.store().revision());
        }
        let place = match route::find(&asked.info, path, &asked.head.method, self.registry.served()) {
            Ok(place) => place,
            Err(NoRoute::Page) => return Ok(reply::page_not_found()),
            Err(NoRoute::Error(error)) => return Err(error),
        };
        let mut deprecated = place.version.warning;
        let mut call = Call {
            app: self,
            asked,
            user,
            place,
            series: *series,
            warnings: Vec::new(),
        };
        let answered = verbs::dispatch(&mut call, body, slot).await;
        *series = call.series;
        let mut response = answered.unwrap_or_else(|error| reply::failure(&error, &asked.head.headers, asked.pretty));
        // Kubernetes looks at what kind of patch it is before it looks at the version.
        if asked.info.verb == Verb::Patch && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            deprecated = None;
        }
        warnings::add(
            response.headers_mut(),
            deprecated.into_iter().chain(call.warnings.iter().map(String::as_str)),
        );
        Ok(response)
    }

    /// Counts and logs an answered request. No header but the program's name is logged, no query and no body: there may
    /// be secrets in them.
    fn record(&self, head: &Parts, response: &mut Response<Body>, seen: &Seen) {
        let took = self.clock.now().since(seen.started);
        self.metrics.answered(seen.series, response.status(), took);
        match response.body_mut() {
            Body::Full(bytes) => {
                if let Some(sizes) = self.metrics.sizes(seen.series) {
                    sizes.observe(bytes.len() as f64);
                }
            }
            Body::Pieces(pieces) => {
                if let Some(sizes) = self.metrics.sizes(seen.series) {
                    pieces.count_in(sizes.clone());
                }
            }
            Body::Stream(_) => {}
        }
        tracing::debug!(
            method = %head.method,
            path = head.uri.path(),
            code = response.status().as_u16(),
            took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            bytes = http_body::Body::size_hint(response.body()).exact(),
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
