//! How many watches each user has open, so that one cannot take all there may be.
//!
//! Whoever may do everything is bounded too: a client that opens watch after watch and closes none does so by mistake,
//! and most often with the rights of an operator.

use std::collections::HashMap;
use std::sync::Arc;

use leasehold_api::ApiError;
use parking_lot::Mutex;

/// Counts open watches by the name of their user; users without any are not kept.
#[derive(Clone, Debug, Default)]
pub struct WatchesPerUser(Arc<Mutex<HashMap<Arc<str>, u32>>>);

/// One watch of a user, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    all: WatchesPerUser,
    user: Arc<str>,
}

impl WatchesPerUser {
    /// Counts one more.
    ///
    /// # Errors
    /// 429 when the user has `max` already.
    pub(crate) fn take(&self, user: &Arc<str>, max: u32) -> Result<Watched, ApiError> {
        let mut open = self.0.lock();
        let count = open.get(user).copied().unwrap_or_default();
        if count >= max {
            let message = format!("user {user:?} has {count} watches open, and may not have more");
            return Err(ApiError::too_many_requests(message, 1));
        }
        open.insert(user.clone(), count + 1);
        Ok(Watched {
            all: self.clone(),
            user: user.clone(),
        })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut open = self.all.0.lock();
        match open.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.user)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_is_counted_alone_and_nobody_is_kept_without_a_watch() {
        let all = WatchesPerUser::default();
        let (ada, bob): (Arc<str>, Arc<str>) = ("ada".into(), "bob".into());
        let first = all.take(&ada, 2).unwrap();
        let _second = all.take(&ada, 2).unwrap();
        assert_eq!(all.take(&ada, 2).unwrap_err().code(), 429);
        drop(all.take(&bob, 2).unwrap());
        drop(first);
        let _third = all.take(&ada, 2).unwrap();
        assert_eq!(all.0.lock().iter().collect::<Vec<_>>(), [(&ada, &2)]);
    }
}
