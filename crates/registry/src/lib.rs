//! The Kubernetes API verbs on typed resources.
