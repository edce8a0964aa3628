//! How one object names another.

object! {
    /// ObjectReference names an object, or a part of one.
    pub struct ObjectReference = "io.k8s.api.core.v1.ObjectReference" {
        /// Its kind.
        #[prost(string, required, tag = "1")]
        kind: String as "kind",
        /// Its namespace; empty for what lives in none.
        #[prost(string, required, tag = "2")]
        namespace: String as "namespace",
        /// Its name.
        #[prost(string, required, tag = "3")]
        name: String as "name",
        /// Its UID.
        #[prost(string, required, tag = "4")]
        uid: String as "uid",
        /// Its group and version.
        #[prost(string, required, tag = "5")]
        api_version: String as "apiVersion",
        /// The version of it that is meant, if one is.
        #[prost(string, required, tag = "6")]
        resource_version: String as "resourceVersion",
        /// The part of it that is meant, such as `spec.containers{web}`; empty for the whole.
        #[prost(string, required, tag = "7")]
        field_path: String as "fieldPath",
    }
}
