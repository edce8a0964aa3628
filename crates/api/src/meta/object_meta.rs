//! The metadata of an object.

use std::collections::BTreeMap;

use crate::Time;
use crate::meta::FieldsV1;
use crate::schema::{Merge, Patch};

object! {
    /// ObjectMeta is what every persisted object carries: its name, its identity and its history.
    pub struct ObjectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" {
        /// Unique within the namespace and the resource. It cannot be changed.
        #[prost(string, required, tag = "1")]
        name: String as "name",
        /// A prefix from which the server makes a unique name when no name is given.
        #[prost(string, required, tag = "2")]
        generate_name: String as "generateName",
        /// The space within which the name is unique. It cannot be changed.
        #[prost(string, required, tag = "3")]
        namespace: String as "namespace",
        /// Deprecated: never set by the server.
        #[prost(string, required, tag = "4")]
        self_link: String as "selfLink",
        /// Unique in time and space, given by the server on creation. It cannot be changed.
        #[prost(string, required, tag = "5")]
        uid: String as "uid",
        /// An opaque value that changes with every write of the object; given back on an update, it guards against
        /// overwriting somebody else's change.
        #[prost(string, required, tag = "6")]
        resource_version: String as "resourceVersion",
        /// Counts changes of the desired state.
        #[prost(int64, required, tag = "7")]
        generation: i64 as "generation",
        /// When the server created the object.
        #[prost(message, required, tag = "8")]
        creation_timestamp: Time as "creationTimestamp",
        /// When deletion of the object was asked for; set by the server while finalizers keep the object.
        #[prost(message, optional, tag = "9")]
        deletion_timestamp: Option<Time> as "deletionTimestamp",
        /// Seconds given to the object to end gracefully once its deletion was asked for.
        #[prost(int64, optional, tag = "10")]
        deletion_grace_period_seconds: Option<i64> as "deletionGracePeriodSeconds",
        /// Keys and values to organise and select objects by.
        #[prost(btree_map = "string, string", tag = "11")]
        labels: BTreeMap<String, String> as "labels",
        /// Keys and values for tools to keep with the object; they cannot be selected by.
        #[prost(btree_map = "string, string", tag = "12")]
        annotations: BTreeMap<String, String> as "annotations",
        /// The objects that this one depends on: it is collected when all of them are gone.
        #[prost(message, repeated, tag = "13")]
        owner_references: Vec<OwnerReference> as "ownerReferences"
            { merge: Merge::Keyed(&["uid"]), patch: Patch::MergeKey("uid") },
        /// What must happen before the object is removed: each entry is taken away by whoever answers for it.
        #[prost(string, repeated, tag = "14")]
        finalizers: Vec<String> as "finalizers" { merge: Merge::Set, patch: Patch::Merge },
        /// Which manager set which fields, kept by the server.
        #[prost(message, repeated, tag = "17")]
        managed_fields: Vec<ManagedFieldsEntry> as "managedFields",
    }
}

object! {
    /// OwnerReference identifies an object that this one depends on, in the same namespace or in none.
    pub struct OwnerReference = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference" {
        /// Group and version of the owner.
        #[prost(string, required, tag = "5")]
        api_version: String => "apiVersion",
        /// Kind of the owner.
        #[prost(string, required, tag = "1")]
        kind: String => "kind",
        /// Name of the owner.
        #[prost(string, required, tag = "3")]
        name: String => "name",
        /// UID of the owner.
        #[prost(string, required, tag = "4")]
        uid: String => "uid",
        /// Whether this owner is the one that manages the object.
        #[prost(bool, optional, tag = "6")]
        controller: Option<bool> as "controller",
        /// Whether a foreground deletion of the owner waits for this object.
        #[prost(bool, optional, tag = "7")]
        block_owner_deletion: Option<bool> as "blockOwnerDeletion",
    }
}

object! {
    /// ManagedFieldsEntry says which fields one manager set through one version and kind of operation.
    pub struct ManagedFieldsEntry = "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry" {
        /// Who.
        #[prost(string, required, tag = "1")]
        manager: String as "manager",
        /// `Apply` or `Update`.
        #[prost(string, required, tag = "2")]
        operation: String as "operation",
        /// The group and version that the field names belong to.
        #[prost(string, required, tag = "3")]
        api_version: String as "apiVersion",
        /// When the entry was added or its set of fields, or a value in it, last changed.
        #[prost(message, optional, tag = "4")]
        time: Option<Time> as "time",
        /// How the fields are written down: `FieldsV1`.
        #[prost(string, required, tag = "6")]
        fields_type: String as "fieldsType",
        /// The fields.
        #[prost(message, optional, tag = "7")]
        fields_v1: Option<FieldsV1> as "fieldsV1",
        /// The subresource through which they were set, or empty.
        #[prost(string, required, tag = "8")]
        subresource: String as "subresource",
    }
}

impl ObjectMeta {
    /// Whether the fields that managers can own are the same in both.
    pub(crate) fn same_owned(&self, old: &Self) -> bool {
        // Named one by one, so that a new field must be thought of here.
        let Self {
            name: _,
            generate_name,
            namespace: _,
            self_link: _,
            uid: _,
            resource_version: _,
            generation: _,
            creation_timestamp: _,
            deletion_timestamp,
            deletion_grace_period_seconds,
            labels,
            annotations,
            owner_references,
            finalizers,
            managed_fields: _,
        } = self;
        *generate_name == old.generate_name
            && *deletion_timestamp == old.deletion_timestamp
            && *deletion_grace_period_seconds == old.deletion_grace_period_seconds
            && *labels == old.labels
            && *annotations == old.annotations
            && *owner_references == old.owner_references
            && *finalizers == old.finalizers
    }
}
