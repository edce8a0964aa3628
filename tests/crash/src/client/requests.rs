//! Requests and what their answers say. One request, one answer: nothing is sent twice.

use std::time::Duration;

use http::Method;
use http::header::RETRY_AFTER;
use http_body_util::BodyExt;
use leasehold_conformance::Connection;

use crate::Error;
use crate::history::{Action, Freshness, Outcome, WriteKind};
use crate::lease::{self, COLLECTION};

/// What to ask for.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<(&'static str, Vec<u8>)>,
}

/// What came back, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// Whether it says when to try again.
    pub(super) says_when: bool,
}

impl Call {
    pub(super) fn of(key: &str, action: &Action) -> Self {
        let (method, path, kind) = match action {
            Action::Get => (Method::GET, lease::path(key), ""),
            Action::List(freshness) => (Method::GET, list_path(*freshness), ""),
            Action::Delete => (Method::DELETE, lease::path(key), ""),
            Action::Write { kind, .. } => match kind {
                WriteKind::Create => (Method::POST, COLLECTION.to_owned(), "application/json"),
                WriteKind::Update(_) => (Method::PUT, lease::path(key), "application/json"),
                WriteKind::Patch => (Method::PATCH, lease::path(key), "application/merge-patch+json"),
            },
        };
        let body = match action {
            Action::Write {
                kind: how,
                token,
                group,
            } => Some((kind, lease::body(how, key, token, group).to_string().into_bytes())),
            _ => None,
        };
        Self { method, path, body }
    }

    /// A page of a list of the latest state, or the next one.
    pub(super) fn page(limit: usize, next: &str) -> Self {
        Self {
            method: Method::GET,
            path: format!("{COLLECTION}?limit={limit}&continue={next}"),
            body: None,
        }
    }

    /// The same, to be answered within so long.
    pub(super) fn within(mut self, deadline: Option<Duration>) -> Self {
        if let Some(deadline) = deadline {
            let and = if self.path.contains('?') { '&' } else { '?' };
            self.path = format!("{}{and}timeout={}ms", self.path, deadline.as_millis());
        }
        self
    }

    /// Sends it and waits so long for the end of the answer.
    pub(super) async fn send(self, connection: &mut Connection, patience: Duration) -> Result<Answer, Error> {
        let whole = async {
            let reply = connection.send(self.method, &self.path, self.body).await?;
            let status = reply.status().as_u16();
            let says_when = reply.headers().contains_key(RETRY_AFTER);
            let body = reply.into_body().collect().await?.to_bytes().into();
            Ok(Answer {
                status,
                body,
                says_when,
            })
        };
        tokio::time::timeout(patience, whole).await?
    }
}

fn list_path(freshness: Freshness) -> String {
    let (revision, how) = match freshness {
        Freshness::Latest => return COLLECTION.to_owned(),
        Freshness::NotOlder(revision) => (revision, "NotOlderThan"),
        Freshness::Exact(revision) => (revision, "Exact"),
    };
    format!("{COLLECTION}?resourceVersion={revision}&resourceVersionMatch={how}")
}

/// What an answer says. A server that is in trouble says nothing of the object.
pub(super) fn judge(action: &Action, answer: &Answer) -> Result<Outcome, Error> {
    let body = &answer.body[..];
    let outcome = match (action, answer.status) {
        (Action::Write { .. }, 200 | 201) => Outcome::Stored(lease::read(body)?.1),
        (Action::Delete, 200) => Outcome::Deleted(lease::read_deleted(body)?),
        (Action::Get, 200) => Outcome::Found(lease::read(body)?.1),
        (Action::List(_), 200) => {
            let page = lease::read_page(body)?;
            Outcome::Listed(page.revision, page.items)
        }
        (Action::List(Freshness::Exact(revision)), 410) => Outcome::Forgotten(*revision),
        (Action::Write { kind, .. }, 409) => match kind {
            WriteKind::Create => Outcome::Exists,
            WriteKind::Update(_) => Outcome::Conflict,
            // Given up after many others came between.
            WriteKind::Patch => Outcome::Refused,
        },
        (Action::Write { .. } | Action::Delete | Action::Get, 404) => Outcome::Absent,
        (Action::Delete, 409) | (_, 429) => Outcome::Refused,
        (_, 500..) => Outcome::Unknown,
        (_, status) => Outcome::Odd(status),
    };
    Ok(outcome)
}
