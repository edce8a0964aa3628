//! What electors ask the server, and how the answer gets back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::poll_fn;
use futures_util::task::AtomicWaker;
use leasehold_api::coordination::Lease;
use leasehold_election::{ApiFailure, LeaseEvent};

use crate::world::ProcessId;

/// What is asked.
#[derive(Clone)]
pub(crate) enum Call {
    Get(String),
    Create(Lease),
    Update(Lease),
    /// Of one name, or all of the namespace.
    Watch(Option<String>),
}

impl Call {
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::Watch(_) => "watch",
        }
    }
}

/// What came of it.
pub(crate) enum Answer {
    Lease(Option<Box<Lease>>),
    Watching(Arc<Pipe>),
}

/// A request on its way to the server.
pub(crate) struct Request {
    pub(crate) process: ProcessId,
    pub(crate) call: Call,
    pub(crate) reply: Arc<Slot>,
}

/// Where a reply is put for who waits for it.
#[derive(Default)]
pub(crate) struct Slot {
    answer: Mutex<Option<Result<Answer, ApiFailure>>>,
    waker: AtomicWaker,
}

impl Slot {
    /// Puts it there; a second one changes nothing.
    pub(crate) fn put(&self, answer: Result<Answer, ApiFailure>) {
        self.answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(answer);
        self.waker.wake();
    }

    pub(crate) async fn wait(&self) -> Result<Answer, ApiFailure> {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            answer.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// The client's end of a watch.
#[derive(Default)]
pub(crate) struct Pipe {
    steps: Mutex<VecDeque<Option<Result<LeaseEvent, ApiFailure>>>>,
    waker: AtomicWaker,
    closed: AtomicBool,
}

impl Pipe {
    /// Adds what has arrived; `None` is the end.
    pub(crate) fn push(&self, step: Option<Result<LeaseEvent, ApiFailure>>) {
        self.steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(step);
        self.waker.wake();
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Result<LeaseEvent, ApiFailure>>> {
        self.waker.register(cx.waker());
        let step = self.steps.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        step.map_or(Poll::Pending, Poll::Ready)
    }
}
