//! Update: a whole object instead of the one that is there.

use leasehold_api::ApiError;
use leasehold_api::codec::Decoded;
use leasehold_api::options::ResourceVersion;

use crate::outcome::Written;
use crate::place::{Place, WriteOptions};
use crate::registry::Registry;
use crate::write::{Draft, Origin, check_name, check_namespace, strictness};

impl Registry {
    /// Replaces the object at `place`, or creates it where the resource allows that.
    ///
    /// # Errors
    /// 400, 403, 404, 409 for another version or uid, 422.
    pub async fn update(&self, place: &Place, body: Decoded, options: &WriteOptions) -> Result<Written, ApiError> {
        let warnings = strictness(place, body.problems, options.strict)?;
        let mut object = body.object;
        check_name(place, &*object)?;
        check_namespace(place, &mut *object)?;
        ResourceVersion::parse(&object.metadata().resource_version)?;
        let may_create = place.resource.create_on_update && place.subresource.is_none();
        self.replace(place, options, |live| {
            if live.is_none() && !may_create {
                return Err(place.not_found());
            }
            // Cloned, since it may take more than one attempt.
            Ok(Draft {
                object: object.boxed_clone(),
                warnings: warnings.clone(),
                origin: Origin::Sent,
            })
        })
        .await
    }
}
