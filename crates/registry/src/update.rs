//! Update: a whole object instead of the one that is there.

use leasehold_api::ApiError;
use leasehold_api::codec::Decoded;

use crate::checks::{check_name, check_namespace, names_version, strictness};
use crate::outcome::Written;
use crate::place::{Place, WriteOptions};
use crate::registry::Registry;
use crate::write::{Draft, Origin};

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
        let may_create = place.resource.create_on_update && place.subresource.is_none();
        // With a version there is one attempt, unless it starts from a glance, and nothing to keep for another.
        let again = (!names_version(&*object)? || self.store.glances_lag()).then(|| object.boxed_clone());
        let mut first = Some(object);
        self.replace(place, options, |live| {
            if live.is_none() && !may_create {
                return Err(place.not_found());
            }
            let object = first
                .take()
                .or_else(|| again.as_ref().map(|object| object.boxed_clone()));
            Ok(Draft {
                object: object.ok_or_else(|| place.modified())?,
                warnings: warnings.clone(),
                origin: Origin::Sent,
            })
        })
        .await
    }
}
