//! What the harness needs of a leader's proof of leading, whoever issues it.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leasehold_clock::Monotonic;
use leasehold_election::Leadership;

/// One term of one elector, shipped or not.
pub(crate) trait Term: Send + Sync + 'static {
    /// What it sends along with its writes.
    fn token(&self) -> u64;

    /// Whether it believes now that it leads. Asked by the oracle at any moment, and also while the node sleeps.
    fn is_valid(&self) -> bool;

    /// When it will cease to believe so by itself, on its node's clock, if it knows.
    fn valid_until(&self) -> Option<Monotonic>;

    /// Comes when the work has to stop.
    fn lost(&self) -> BoxFuture<'static, ()>;

    /// Gives the lease back.
    fn step_down(&self);
}

impl Term for Leadership {
    fn token(&self) -> u64 {
        Leadership::token(self).0
    }

    fn is_valid(&self) -> bool {
        Leadership::is_valid(self)
    }

    fn valid_until(&self) -> Option<Monotonic> {
        Leadership::valid_until(self)
    }

    fn lost(&self) -> BoxFuture<'static, ()> {
        let this = self.clone();
        async move {
            this.lost().await;
        }
        .boxed()
    }

    fn step_down(&self) {
        Leadership::step_down(self);
    }
}
