//! How to make a side effect safe whatever happens: let what is affected compare tokens.
//!
//! A leader may be stopped, by a debugger, a full disk or a frozen machine, after it looked at [`crate::Leadership::is_valid`] and
//! before its request goes out; when it wakes up another may have led for long. No lease can prevent that. The thing that the
//! request is about can: it remembers the highest token that it has seen, and refuses lower ones.
//!
//! # SQL
//!
//! A column beside the data, or a row for the whole database, in the condition of every write:
//!
//! ```sql
//! UPDATE jobs SET state = :state, fence = :token WHERE id = :id AND fence <= :token
//! ```
//!
//! No row changed means: another leads. (`INSERT … ON CONFLICT (id) DO UPDATE … WHERE jobs.fence <= excluded.fence` for rows
//! that may be missing.)
//!
//! ```
//! # use leasehold_election::Token;
//! # /// A row, and what the statement above does to it.
//! # struct Row { state: String, fence: u64 }
//! # impl Row {
//! #     fn update(&mut self, state: &str, token: Token) -> usize {
//! #         if self.fence > token.0 { return 0; }
//! #         (self.state, self.fence) = (state.to_owned(), token.0);
//! #         1
//! #     }
//! # }
//! # let mut row = Row { state: "new".to_owned(), fence: 0 };
//! let (old_leader, new_leader) = (Token(17), Token(42));
//! assert_eq!(row.update("claimed", old_leader), 1);
//! assert_eq!(row.update("done", new_leader), 1);
//! assert_eq!(row.update("failed", old_leader), 0, "it woke up too late");
//! # assert_eq!(row.state, "done");
//! ```
//!
//! # An HTTP service of your own
//!
//! The client sends `leadership.token()` in a header; the service holds a [`Fence`] for what only a leader may do, and answers
//! a stale token with 412. A service of several replicas, or one that forgets at a restart, keeps the number where it keeps the
//! data.
//!
//! ```
//! use leasehold_election::{Fence, Token};
//!
//! fn handle(fence: &Fence, headers: &http::HeaderMap) -> http::StatusCode {
//!     let token = headers.get("leader-token").and_then(|value| value.to_str().ok()?.parse().ok());
//!     let Some(token) = token.map(Token) else {
//!         return http::StatusCode::BAD_REQUEST;
//!     };
//!     match fence.admit(token) {
//!         Ok(()) => http::StatusCode::OK, // do it
//!         Err(_) => http::StatusCode::PRECONDITION_FAILED,
//!     }
//! }
//!
//! let fence = Fence::default();
//! # let request = |token: u64| http::HeaderMap::from_iter([("leader-token".parse().unwrap(), token.into())]);
//! assert_eq!(handle(&fence, &request(17)), 200);
//! assert_eq!(handle(&fence, &request(42)), 200);
//! assert_eq!(handle(&fence, &request(17)), 412);
//! # assert_eq!(handle(&fence, &http::HeaderMap::new()), 400);
//! ```
//!
//! # An object store
//!
//! Keep the token in the object's metadata. Read the object with its ETag, refuse to go on if its token is higher, and write
//! with `If-Match` of that ETag (or `If-None-Match: *` when there was none), so that nobody can have come in between:
//!
//! ```
//! # use leasehold_election::Token;
//! # /// A bucket with one object, and conditional writes as S3 has them.
//! # #[derive(Default)]
//! # struct Bucket { object: Option<(u64, Token, String)>, etags: u64 }
//! # impl Bucket {
//! #     fn head(&self) -> Option<(u64, Token)> { self.object.as_ref().map(|object| (object.0, object.1)) }
//! #     fn put(&mut self, if_match: Option<u64>, token: Token, body: &str) -> Result<(), u16> {
//! #         if if_match != self.head().map(|object| object.0) { return Err(412); }
//! #         self.etags += 1;
//! #         self.object = Some((self.etags, token, body.to_owned()));
//! #         Ok(())
//! #     }
//! # }
//! fn write(bucket: &mut Bucket, token: Token, body: &str) -> Result<(), &'static str> {
//!     let before = bucket.head();
//!     if before.is_some_and(|(_, theirs)| theirs > token) {
//!         return Err("another leads");
//!     }
//!     let etag = before.map(|(etag, _)| etag);
//!     bucket.put(etag, token, body).map_err(|_| "another wrote meanwhile: read again")
//! }
//!
//! # let mut bucket = Bucket::default();
//! let (old_leader, new_leader) = (Token(17), Token(42));
//! assert_eq!(write(&mut bucket, old_leader, "one"), Ok(()));
//! assert_eq!(write(&mut bucket, new_leader, "two"), Ok(()));
//! assert_eq!(write(&mut bucket, old_leader, "late"), Err("another leads"));
//! # let stale = bucket.head().map(|object| object.0);
//! # write(&mut bucket, new_leader, "three").unwrap();
//! # assert_eq!(bucket.put(stale, old_leader, "between"), Err(412));
//! # assert_eq!(bucket.object.unwrap().2, "three");
//! ```
//!
//! # Kubernetes objects
//!
//! An update with the resourceVersion that was read is fenced already, as far as that object goes: a stale leader's is refused
//! once the new leader has written. For a create, and for what was not changed yet, put the token into an annotation and compare
//! it in an admission policy, or make the stale write harmless.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Token;

/// Remembers the highest token that was seen, and refuses lower ones. It forgets when the process ends.
#[derive(Debug, Default)]
pub struct Fence {
    highest: AtomicU64,
}

/// A later leader was seen already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token {token} is stale: {highest} was seen")]
pub struct StaleToken {
    /// The one that was refused.
    pub token: Token,
    /// The highest one.
    pub highest: Token,
}

impl Fence {
    /// A fence that refuses what is below `highest`, such as a number that was kept over a restart.
    #[must_use]
    pub fn starting_at(highest: Token) -> Self {
        Self {
            highest: AtomicU64::new(highest.0),
        }
    }

    /// Lets a leader with this token pass, unless a later one did before.
    ///
    /// What it lets pass must be done before the next is let pass: hold a lock over both where they may run at once.
    ///
    /// # Errors
    /// When a higher token was seen.
    pub fn admit(&self, token: Token) -> Result<(), StaleToken> {
        let highest = Token(self.highest.fetch_max(token.0, Ordering::AcqRel));
        if highest > token {
            return Err(StaleToken { token, highest });
        }
        Ok(())
    }

    /// The highest token that was seen; 0 when none was.
    #[must_use]
    pub fn highest(&self) -> Token {
        Token(self.highest.load(Ordering::Acquire))
    }
}
