//! The verbs: options in, registry, encoded outcome out. A file for those that read, write and delete.
//!
//! Whatever can be refused without asking the registry is refused before it is asked.

mod delete;
mod read;
mod write;

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use leasehold_api::options::{IncludeObject, Query, manager_name};
use leasehold_api::{ApiError, Object, Time};
use leasehold_registry::{Caller, Item, PatchKind, Place, WriteOptions};

use crate::app::{App, Asked};
use crate::auth::{MayCreate, User};
use crate::encode::{self, Form};
use crate::in_flight::Slot;
use crate::metrics::{self, Series};
use crate::negotiate::{self, Answer, Route, Shape};
use crate::request_info::Verb;
use crate::{Body, read_body, reply};
use delete::{delete, delete_collection};
use read::{get, list, watch};
use write::{create, patch, update};

/// A request for a resource that has passed the filters.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) asked: &'a Asked<'a>,
    pub(crate) user: &'a User,
    pub(crate) place: Place,
    /// Where it is counted.
    pub(crate) series: Series,
    /// What the reply warns of, beside the version being deprecated.
    pub(crate) warnings: Vec<String>,
}

impl<'a> Call<'a> {
    fn headers(&self) -> &'a HeaderMap {
        &self.asked.head.headers
    }

    fn query(&self) -> Query<'a> {
        Query::new(self.asked.query)
    }

    /// How the client wants its object or list. What is wrong with the wish is told before anything is done.
    fn wish(&self, route: Route) -> Result<Wish, ApiError> {
        let mut answer = negotiate::object(self.headers(), route)?;
        answer.pretty |= self.asked.pretty;
        self.wish_for(answer)
    }

    /// Asks for rows' objects only where there are rows.
    fn wish_for(&self, answer: Answer) -> Result<Wish, ApiError> {
        let include = match answer.shape {
            Shape::Table(_) => IncludeObject::from_query(self.query())?,
            Shape::Whole | Shape::Partial(_) | Shape::PartialList(_) => IncludeObject::default(),
        };
        Ok(Wish { answer, include })
    }

    fn form(&self, wish: Wish) -> Form<'_> {
        Form {
            answer: wish.answer,
            include: wish.include,
            place: &self.place,
            now: self.now(),
        }
    }

    fn now(&self) -> Time {
        Time::from_system(self.app.clock.wall())
    }

    /// Answers with one object.
    fn object(&self, code: StatusCode, wish: Wish, object: Box<dyn Object>) -> Result<Response<Body>, ApiError> {
        let bytes = encode::object(&self.form(wish), object)?;
        Ok(wish.reply(code, bytes))
    }

    /// Answers with one object as it is stored.
    fn item(&self, code: StatusCode, wish: Wish, item: &Item) -> Result<Response<Body>, ApiError> {
        let bytes = encode::item(&self.form(wish), item)?;
        Ok(wish.reply(code, bytes))
    }

    /// Who writes, and how. A write that may create what is not there needs the right to.
    fn write_options(&self, manager: &str, may_create: bool) -> WriteOptions {
        let agent = user_agent(self.asked.head);
        let mut admission = self.app.authorizer.admission(self.user);
        if may_create {
            admission = Some(Arc::new(MayCreate {
                authorizer: self.app.authorizer.clone(),
                user: self.user.clone(),
                path: self.asked.info.path.into(),
                also: admission,
            }));
        }
        let caller = Caller {
            manager: manager_name(manager, agent).into(),
            admission,
        };
        WriteOptions {
            caller,
            dry_run: false,
            strict: false,
            force: false,
        }
    }
}

/// What the client wants back.
#[derive(Clone, Copy)]
struct Wish {
    answer: Answer,
    include: IncludeObject,
}

impl Wish {
    /// A reply with what was encoded as wished.
    fn reply(self, code: StatusCode, body: impl Into<Body>) -> Response<Body> {
        reply::new(code, negotiate::media_type(self.answer.format), body)
    }
}

/// Reads the body of those that have one, and does what is asked.
pub(crate) async fn dispatch<B>(call: &mut Call<'_>, body: B, slot: Slot) -> Result<Response<Body>, ApiError>
where
    B: http_body::Body,
    B::Error: std::fmt::Display,
{
    let headers = call.headers();
    let info = &call.asked.info;
    match (info.verb, &info.list_options) {
        (Verb::Get, _) => get(call).await,
        (Verb::List, Some(options)) => list(call, options.as_ref().map_err(Clone::clone)?).await,
        (Verb::Watch, Some(options)) => watch(call, options.as_ref().map_err(Clone::clone)?, slot).await,
        (Verb::Create, _) => create(call, &read_body::read(headers, body).await?).await,
        (Verb::Update, _) => update(call, &read_body::read(headers, body).await?).await,
        (Verb::Patch, _) => {
            let kind = negotiate::patch_kind(headers)?;
            if kind == PatchKind::Apply {
                call.series.verb = metrics::Verb::Apply;
            }
            patch(call, kind, &read_body::read(headers, body).await?).await
        }
        (Verb::Delete, _) => delete(call, &read_body::read(headers, body).await?).await,
        (Verb::DeleteCollection, _) => delete_collection(call, &read_body::read(headers, body).await?).await,
        (Verb::List | Verb::Watch, None) | (Verb::Other(_), _) => Err(ApiError::method_not_allowed()),
    }
}

/// What the client calls itself.
pub(crate) fn user_agent(head: &Parts) -> &str {
    head.headers
        .get(http::header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}
