//! The verbs: options in, registry, encoded outcome out. A file for those that read, write and delete.
//!
//! Whatever can be refused without asking the registry is refused before it is asked.

mod delete;
mod read;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use leasehold_api::options::{IncludeObject, Query, manager_name};
use leasehold_api::{ApiError, Object, Time};
use leasehold_registry::{Caller, Place, WriteOptions};

use crate::access::MayCreate;
use crate::app::App;
use crate::auth::User;
use crate::encode::{self, Form};
use crate::negotiate::{self, Answer, Route, Shape};
use crate::{Body, reply};

pub(crate) use delete::{delete, delete_collection};
pub(crate) use read::{get, list, watch};
pub(crate) use write::{create, patch, update};

/// A request for a resource that has passed the filters.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) head: &'a Parts,
    pub(crate) query: Query<'a>,
    /// Whether the client is a person, or wants to be treated as one.
    pub(crate) pretty: bool,
    pub(crate) user: &'a User,
    pub(crate) path: &'a str,
    pub(crate) place: Place,
    /// What the reply warns of, beside the version being deprecated.
    pub(crate) warnings: Vec<String>,
}

impl Call<'_> {
    /// How to answer with an object or a list.
    fn answer(&self, route: Route) -> Result<Answer, ApiError> {
        let mut answer = negotiate::object(&self.head.headers, route)?;
        answer.pretty |= self.pretty;
        Ok(answer)
    }

    /// The form of the reply. Asks for rows' objects only where there are rows.
    fn form(&self, answer: Answer) -> Result<Form<'_>, ApiError> {
        let include = match answer.shape {
            Shape::Table(_) => IncludeObject::from_query(self.query)?,
            _ => IncludeObject::default(),
        };
        Ok(Form {
            answer,
            include,
            place: &self.place,
            now: self.now(),
        })
    }

    fn now(&self) -> Time {
        Time::from_system(self.app.clock.wall())
    }

    /// Answers with one object.
    fn object(&self, code: StatusCode, answer: Answer, object: Box<dyn Object>) -> Result<Response<Body>, ApiError> {
        let bytes = encode::object(&self.form(answer)?, object)?;
        Ok(reply::new(code, negotiate::media_type(answer.format), bytes))
    }

    /// Who writes, and how. A write that may create what is not there needs the right to.
    fn write_options(&self, manager: &str, may_create: bool) -> WriteOptions {
        let agent = user_agent(self.head);
        let mut admission = self.app.authorizer.admission(self.user);
        if may_create {
            admission = Some(Arc::new(MayCreate {
                authorizer: self.app.authorizer.clone(),
                user: self.user.clone(),
                path: self.path.into(),
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

/// What the client calls itself.
pub(crate) fn user_agent(head: &Parts) -> &str {
    head.headers
        .get(http::header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

/// A body that has been read, and may be empty.
pub(crate) type Read = Bytes;
