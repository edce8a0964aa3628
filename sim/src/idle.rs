//! Knowing when nothing can run any more until time passes.
//!
//! The driver of the simulation is the runtime's root future. Between two events it waits on [`Idle::reached`], which comes
//! true when every task waits for something: the runtime tells so right before it would put its thread to sleep. No
//! timer of tokio's is involved, and the runtime has none: whoever asks for the time other than through a
//! `leasehold_clock::Clock` panics.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Idle(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    reached: bool,
    waker: Option<Waker>,
}

impl Idle {
    /// A runtime of one thread, without timers, whose own dice are seeded.
    pub(crate) fn runtime(&self, seed: u64) -> std::io::Result<tokio::runtime::Runtime> {
        let idle = self.clone();
        tokio::runtime::Builder::new_current_thread()
            .rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()))
            .on_thread_park(move || idle.announce())
            .build()
    }

    /// Waits until nothing else can run.
    pub(crate) async fn reached(&self) {
        self.state().reached = false;
        poll_fn(|cx| {
            let mut state = self.state();
            if state.reached {
                return Poll::Ready(());
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn announce(&self) {
        let waker = {
            let mut state = self.state();
            state.reached = true;
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_reached_after_everything_that_can_run_has_run() {
        let idle = Idle::default();
        let runtime = idle.runtime(1).unwrap();
        runtime.block_on(async {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            let task = tokio::spawn(async move {
                let mut sum = 0;
                while let Some(number) = receiver.recv().await {
                    for _ in 0..200 {
                        tokio::task::yield_now().await;
                    }
                    sum += number;
                }
                sum
            });
            sender.send(1).unwrap();
            idle.reached().await;
            sender.send(2).unwrap();
            idle.reached().await;
            assert!(!task.is_finished());
            drop(sender);
            idle.reached().await;
            assert!(task.is_finished());
            assert_eq!(task.await.unwrap(), 3);
        });
    }
}
