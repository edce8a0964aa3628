//! The reply to what failed, and to some of what succeeded.

use crate::meta::ListMeta;

object! {
    /// Status tells the outcome of a request that returns no other object.
    pub struct Status = "io.k8s.apimachinery.pkg.apis.meta.v1.Status" (top_level) {
        /// Always empty here.
        #[prost(message, required, tag = "1")]
        metadata: ListMeta => "metadata",
        /// `Success` or `Failure`.
        #[prost(string, required, tag = "2")]
        status: String as "status",
        /// For people.
        #[prost(string, required, tag = "3")]
        message: String as "message",
        /// For programs: one word, such as `NotFound`.
        #[prost(string, required, tag = "4")]
        reason: String as "reason",
        /// More about the reason.
        #[prost(message, optional, tag = "5")]
        details: Option<StatusDetails> as "details",
        /// The HTTP status code.
        #[prost(int32, required, tag = "6")]
        code: i32 as "code",
    }
}

object! {
    /// StatusDetails names what the reason is about.
    pub struct StatusDetails = "io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails" {
        /// The object's name.
        #[prost(string, required, tag = "1")]
        name: String as "name",
        /// The group of the resource or kind.
        #[prost(string, required, tag = "2")]
        group: String as "group",
        /// The kind, or the resource, of the object.
        #[prost(string, required, tag = "3")]
        kind: String as "kind",
        /// The object's UID.
        #[prost(string, required, tag = "6")]
        uid: String as "uid",
        /// Every single thing that was wrong.
        #[prost(message, repeated, tag = "4")]
        causes: Vec<StatusCause> as "causes",
        /// Seconds to wait before trying again.
        #[prost(int32, required, tag = "5")]
        retry_after_seconds: i32 as "retryAfterSeconds",
    }
}

object! {
    /// StatusCause is one thing that was wrong.
    pub struct StatusCause = "io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause" {
        /// For programs: one word, such as `FieldValueInvalid`.
        #[prost(string, required, tag = "1")]
        reason: String as "reason",
        /// For people.
        #[prost(string, required, tag = "2")]
        message: String as "message",
        /// The field, such as `spec.leaseDurationSeconds` or `items[0].name`.
        #[prost(string, required, tag = "3")]
        field: String as "field",
    }
}
