//! Objects of which only the metadata is asked for.

use crate::meta::ObjectMeta;

object! {
    /// PartialObjectMetadata is any object's metadata without the rest.
    pub struct PartialObjectMetadata = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata" (top_level) {
        /// The object's metadata.
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta as "metadata",
    }
}
kind!(PartialObjectMetadata);
