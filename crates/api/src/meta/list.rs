//! The metadata of a list.

object! {
    /// ListMeta describes a list: where in the store's history it was read, and where to go on.
    pub struct ListMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta" {
        /// Deprecated: never set by the server.
        #[prost(string, required, tag = "1")]
        self_link: String as "selfLink",
        /// The version of the store that the list shows, to watch from or to compare.
        #[prost(string, required, tag = "2")]
        resource_version: String as "resourceVersion",
        /// Present when the list was cut short by `limit`: asks for the rest.
        #[prost(string, required, tag = "3")]
        r#continue: String as "continue",
        /// How many items follow, where that is known.
        #[prost(int64, optional, tag = "4")]
        remaining_item_count: Option<i64> as "remainingItemCount",
    }
}
