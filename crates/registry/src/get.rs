//! Get: one object, as it is.

use leasehold_api::ApiError;
use leasehold_api::options::ResourceVersion;

use crate::outcome::Item;
use crate::place::Place;
use crate::registry::Registry;

impl Registry {
    /// The object at `place`, in a state no older than `at`.
    ///
    /// # Errors
    /// 404; 504 when `at` does not come within three seconds.
    pub async fn get(&self, place: &Place, at: ResourceVersion) -> Result<Item, ApiError> {
        self.find(place, at).await?.ok_or_else(|| place.not_found())
    }
}
