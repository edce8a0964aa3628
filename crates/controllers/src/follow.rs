//! Follows a range of the store: what is there once, and from then on what changes.
//!
//! Where the driver wakes a controller that looks at everything anew, this is for those whose range is too large or too
//! busy for that. It keeps a place in the history and no queue, and costs nothing between two looks. A place that is
//! lost is never passed over in silence: everything comes again, and the controller must ask itself what it missed.

use std::sync::Arc;

use futures_util::FutureExt as _;
use leasehold_api::ApiError;
use leasehold_store::{Change, Entry, Error, Page, Range, Revision, Snapshot, Store, Watch};

/// What a look brought.
#[derive(Debug)]
pub(crate) enum News {
    /// A beginning, the first or another one after the place in history was lost: all there is, or nothing where only
    /// changes are followed.
    Everything(Vec<Entry>),
    /// What has changed since the last look, in order.
    Changes(Vec<Arc<Change>>),
}

/// A place in the history of one range.
pub(crate) struct Follower {
    range: Range,
    with_objects: bool,
    watch: Option<Box<dyn Watch>>,
}

impl Follower {
    /// Follows the objects of a range.
    pub(crate) const fn of(range: Range) -> Self {
        Self {
            range,
            with_objects: true,
            watch: None,
        }
    }

    /// Follows a range from whenever it begins, without what was there before.
    pub(crate) const fn of_changes(range: Range) -> Self {
        Self {
            range,
            with_objects: false,
            watch: None,
        }
    }

    /// What is new. Does not wait for changes. Call it again after an error.
    ///
    /// # Errors
    /// 503 when the store cannot be read.
    pub(crate) async fn look(&mut self, store: &dyn Store) -> Result<News, ApiError> {
        // A watch that has failed is over, whatever the reason.
        if let Some(mut watch) = self.watch.take() {
            match drain(&mut *watch) {
                Ok(changes) => {
                    self.watch = Some(watch);
                    return Ok(News::Changes(changes));
                }
                Err(Error::Compacted { .. }) => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        let (entries, revision) = self.beginning(store).await.map_err(|e| unavailable(&e))?;
        let watch = store.watch(self.range.clone(), revision);
        self.watch = Some(watch.map_err(|e| unavailable(&e))?);
        Ok(News::Everything(entries))
    }

    async fn beginning(&mut self, store: &dyn Store) -> Result<(Vec<Entry>, Revision), Error> {
        if !self.with_objects {
            return Ok((Vec::new(), store.revision()));
        }
        let listing = store.list(&self.range, Snapshot::Latest, &Page::default()).await?;
        Ok((listing.entries, listing.revision))
    }
}

/// All that a watch has to hand out now.
fn drain(watch: &mut dyn Watch) -> Result<Vec<Arc<Change>>, Error> {
    let mut changes = Vec::new();
    while let Some(batch) = watch.next().now_or_never() {
        changes.extend(batch?.changes);
    }
    Ok(changes)
}

fn unavailable(error: &Error) -> ApiError {
    ApiError::unavailable(error.to_string(), 1)
}
