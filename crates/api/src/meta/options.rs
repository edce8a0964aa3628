//! Options that come in a body.

object! {
    /// DeleteOptions may be given in the body of a delete.
    pub struct DeleteOptions = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions" (top_level) {
        /// Seconds before the object is removed; 0 means at once.
        #[prost(int64, optional, tag = "1")]
        grace_period_seconds: Option<i64> as "gracePeriodSeconds",
        /// What must hold for the object, else 409 Conflict.
        #[prost(message, optional, tag = "2")]
        preconditions: Option<Preconditions> as "preconditions",
        /// Deprecated: use `propagationPolicy`.
        #[prost(bool, optional, tag = "3")]
        orphan_dependents: Option<bool> as "orphanDependents",
        /// What happens to dependents: `Orphan`, `Background` or `Foreground`.
        #[prost(string, optional, tag = "4")]
        propagation_policy: Option<String> as "propagationPolicy",
        /// `All`: do everything but store the result.
        #[prost(string, repeated, tag = "5")]
        dry_run: Vec<String> as "dryRun",
        /// Delete an object that cannot be read from the store; not needed here.
        #[prost(bool, optional, tag = "6")]
        ignore_store_read_error: Option<bool> as "ignoreStoreReadErrorWithClusterBreakingPotential",
    }
}

object! {
    /// Preconditions must hold before an operation is carried out.
    pub struct Preconditions = "io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions" {
        /// The object's UID.
        #[prost(string, optional, tag = "1")]
        uid: Option<String> as "uid",
        /// The object's resourceVersion.
        #[prost(string, optional, tag = "2")]
        resource_version: Option<String> as "resourceVersion",
    }
}
