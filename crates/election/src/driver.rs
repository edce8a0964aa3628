//! Carries out what the state machine decides: requests, timers, and what the program is told.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use leasehold_api::coordination::Lease;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::events::Reporter;
use crate::leadership::Begin;
use crate::machine::{Action, Config, Input, Machine, Now, Request, RequestId};
use crate::watch::{Feed, Subscription};
use crate::{ApiFailure, Health, Leadership, LeaseName, Leases, Loss, Metrics, RunError, State, Token};

/// One candidate's task.
pub(crate) struct Driver {
    machine: Machine,
    leases: Leases,
    lease: LeaseName,
    identity: Arc<str>,
    observers: Observers,
    state: watch::Sender<State>,
    stop: CancellationToken,
    ask_to_step_down: mpsc::Sender<(Token, Loss)>,
    asked_to_step_down: mpsc::Receiver<(Token, Loss)>,
    subscription: Subscription,
    /// The request under way.
    reply: Option<(RequestId, BoxFuture<'static, Reply>)>,
    term: Option<Term>,
    /// What the subscription told and the machine has not heard yet.
    unheard: Option<Feed>,
    told_to_stop: bool,
}

/// Whoever wants to know.
pub(crate) struct Observers {
    pub(crate) metrics: Arc<dyn Metrics>,
    pub(crate) health: Health,
    pub(crate) reporter: Option<Reporter>,
}

type Reply = Result<Option<Lease>, ApiFailure>;

/// The term under way, until all its work has ended.
struct Term {
    leadership: Leadership,
    stopping: bool,
    /// The machine has heard that no work is left.
    work_ended: bool,
    overrun: bool,
}

/// More requests to step down than this say nothing new.
const STEP_DOWNS: usize = 4;

impl Driver {
    pub(crate) fn new(leases: Leases, config: Config, observers: Observers, stop: CancellationToken) -> Self {
        let (ask_to_step_down, asked_to_step_down) = mpsc::channel(STEP_DOWNS);
        Self {
            subscription: leases.watches.subscribe(&config.lease),
            lease: config.lease.clone(),
            identity: Arc::clone(&config.identity),
            machine: Machine::new(config),
            leases,
            observers,
            state: watch::Sender::new(State::Follower { holder: None }),
            stop,
            ask_to_step_down,
            asked_to_step_down,
            reply: None,
            term: None,
            unheard: None,
            told_to_stop: false,
        }
    }

    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Takes part in the election until told to stop.
    pub(crate) async fn run(mut self) -> Result<(), RunError> {
        let mut input = Input::Wake;
        loop {
            self.machine.handle(Now::on(&*self.leases.clock), input);
            while let Some(action) = self.machine.next_action() {
                if let Action::Finish(result) = action {
                    self.finish_reports().await;
                    self.state.send_replace(State::Stopped);
                    return result.map_err(RunError::Server);
                }
                self.perform(action);
            }
            if self.told_to_stop && self.term.as_ref().is_some_and(|term| term.overrun) {
                return Err(RunError::WorkStuck(self.lease.clone()));
            }
            input = self.next_input().await;
        }
    }

    /// Waits for whatever comes first.
    async fn next_input(&mut self) -> Input {
        if let Some(feed) = self.unheard.take() {
            return Input::Watching(feed.watching);
        }
        let clock = Arc::clone(&self.leases.clock);
        let wake_at = self.machine.wake_at();
        let wake = async {
            match wake_at {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // In this order, so that a simulation's runs are repeatable.
            biased;
            (request, reply) = answer(&mut self.reply) => {
                self.reply = None;
                Input::Reply { request, reply }
            }
            feed = self.subscription.changed() => self.hear(feed),
            Some((token, reason)) = self.asked_to_step_down.recv() => self.step_down(token, reason),
            () = self.stop.cancelled(), if !self.told_to_stop => {
                self.told_to_stop = true;
                Input::Stop
            }
            () = work_ended(&self.term) => {
                // Once: it stays true for as long as the release takes, and would be all that is ever heard.
                self.with_term(|term| term.work_ended = true);
                Input::WorkEnded
            }
            () = wake => Input::Wake,
        }
    }

    /// A feed is two inputs: what the lease is, and then whether the watch works.
    fn hear(&mut self, mut feed: Feed) -> Input {
        match feed.sight.take() {
            Some(sight) => {
                self.unheard = Some(feed);
                Input::Seen(sight)
            }
            None => Input::Watching(feed.watching),
        }
    }

    fn step_down(&self, token: Token, reason: Loss) -> Input {
        // It may come from a term that has ended since.
        match &self.term {
            Some(term) if term.leadership.token() == token => Input::StepDown(reason),
            _ => Input::Wake,
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send(id, request) => self.reply = Some((id, self.request(request))),
            Action::Follow { holder } => {
                tracing::debug!(lease = %self.lease, holder, "following");
                self.state.send_replace(State::Follower { holder });
            }
            Action::Lead {
                token,
                uid,
                valid_until,
            } => self.lead(Begin {
                lease: self.lease.clone(),
                lease_uid: uid,
                identity: Arc::clone(&self.identity),
                token,
                valid_until,
            }),
            Action::Extend {
                valid_until,
                latency,
                left,
            } => {
                self.with_term(|term| term.leadership.extend(valid_until));
                self.observers.metrics.renewed(&self.lease, latency, left);
            }
            Action::Revoke => self.revoke(),
            Action::StopWork { reason, end_by } => {
                self.with_term(|term| {
                    term.leadership.stop_work(reason.clone(), end_by);
                    term.stopping = true;
                });
                tracing::info!(lease = %self.lease, %reason, "the work is to stop");
                self.state.send_replace(State::Lost(reason));
            }
            Action::Overrun => {
                self.with_term(|term| term.overrun = true);
                tracing::error!(lease = %self.lease, "the work did not end in time: the lease is left to expire");
                self.observers.metrics.work_overran(&self.lease);
            }
            Action::End { reason, released } => self.end(&reason, released),
            Action::Failed { purpose, failure } => {
                tracing::debug!(lease = %self.lease, ?purpose, %failure, "a request failed");
                self.observers.metrics.request_failed(&self.lease, purpose);
            }
            // Handled where the loop can end.
            Action::Finish(_) => {}
        }
    }

    fn lead(&mut self, begin: Begin) {
        tracing::info!(lease = %self.lease, identity = %self.identity, token = %begin.token, "leading");
        let clock = Arc::clone(&self.leases.clock);
        let leadership = Leadership::new(begin, clock, self.ask_to_step_down.clone());
        self.observers.metrics.leading(&self.lease, true);
        self.observers.health.begins(&leadership);
        self.report(&leadership, "became leader");
        self.term = Some(Term {
            leadership: leadership.clone(),
            stopping: false,
            work_ended: false,
            overrun: false,
        });
        self.state.send_replace(State::Leader(leadership));
    }

    fn end(&mut self, reason: &Loss, released: bool) {
        tracing::info!(lease = %self.lease, %reason, released, "the term has ended");
        self.observers.metrics.term_ended(&self.lease, reason);
        if let Some(term) = self.term.take() {
            self.report(&term.leadership, &format!("stopped leading: {reason}"));
        }
    }

    fn report(&mut self, term: &Leadership, what: &str) {
        if let Some(reporter) = &mut self.observers.reporter {
            reporter.report(term, what);
        }
    }

    async fn finish_reports(&mut self) {
        if let Some(reporter) = &mut self.observers.reporter {
            reporter.finish().await;
        }
    }

    fn revoke(&mut self) {
        self.with_term(|term| term.leadership.revoke());
        self.observers.metrics.leading(&self.lease, false);
    }

    fn with_term(&mut self, change: impl FnOnce(&mut Term)) {
        if let Some(term) = &mut self.term {
            change(term);
        }
    }

    fn request(&self, request: Request) -> BoxFuture<'static, Reply> {
        let api = Arc::clone(&self.leases.api);
        let lease = self.lease.clone();
        Box::pin(async move {
            match request {
                Request::Get => api.get(&lease.namespace, &lease.name).await,
                Request::Create(lease) => api.create(*lease).await.map(Some),
                Request::Update(lease) => api.update(*lease).await.map(Some),
            }
        })
    }
}

/// Nobody renews any more, so nobody may rely on what this task promised.
impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(term) = &self.term {
            term.leadership.revoke();
            if !term.stopping {
                term.leadership.stop_work(Loss::Stopped, self.leases.clock.now());
            }
        }
    }
}

async fn answer(under_way: &mut Option<(RequestId, BoxFuture<'static, Reply>)>) -> (RequestId, Reply) {
    match under_way {
        Some((id, reply)) => (*id, reply.await),
        None => std::future::pending().await,
    }
}

async fn work_ended(term: &Option<Term>) {
    match term {
        Some(term) if term.stopping && !term.work_ended => term.leadership.work_ended().await,
        _ => std::future::pending().await,
    }
}
