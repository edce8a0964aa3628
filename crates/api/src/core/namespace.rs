//! Namespaces: the spaces within which names are unique.

use crate::Time;
use crate::meta::ObjectMeta;
use crate::schema::{Merge, Patch};

object! {
    /// Namespace is a space within which names are unique.
    pub struct Namespace = "io.k8s.api.core.v1.Namespace" (top_level) {
        /// Standard object metadata.
        #[prost(message, required, tag = "1")]
        metadata: ObjectMeta as "metadata",
        /// What is wanted of it.
        #[prost(message, required, tag = "2")]
        spec: NamespaceSpec as "spec",
        /// Whether it is in use or going away.
        #[prost(message, required, tag = "3")]
        status: NamespaceStatus as "status",
    }
}
kind!(Namespace);

object! {
    /// NamespaceSpec says what is wanted of a namespace.
    pub struct NamespaceSpec = "io.k8s.api.core.v1.NamespaceSpec" {
        /// Who must have cleared the namespace before it is removed; `kubernetes` stands for the server.
        #[prost(string, repeated, tag = "1")]
        finalizers: Vec<String> as "finalizers" { merge: Merge::Atomic },
    }
}

object! {
    /// NamespaceStatus says whether a namespace is in use or going away.
    pub struct NamespaceStatus = "io.k8s.api.core.v1.NamespaceStatus" {
        /// `Active` or `Terminating`.
        #[prost(string, required, tag = "1")]
        phase: String as "phase",
        /// How far its deletion has come.
        #[prost(message, repeated, tag = "2")]
        conditions: Vec<NamespaceCondition> as "conditions"
            { merge: Merge::Keyed(&["type"]), patch: Patch::MergeKey("type") },
    }
}

object! {
    /// NamespaceCondition is one aspect of a namespace's deletion.
    pub struct NamespaceCondition = "io.k8s.api.core.v1.NamespaceCondition" {
        /// The aspect, such as `NamespaceContentRemaining`.
        #[prost(string, required, tag = "1")]
        r#type: String => "type",
        /// `True`, `False` or `Unknown`.
        #[prost(string, required, tag = "2")]
        status: String => "status",
        /// When the status changed last.
        #[prost(message, required, tag = "4")]
        last_transition_time: Time => "lastTransitionTime" { required: false },
        /// For programs: one word.
        #[prost(string, required, tag = "5")]
        reason: String as "reason",
        /// For people.
        #[prost(string, required, tag = "6")]
        message: String as "message",
    }
}
