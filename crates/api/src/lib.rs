//! Kubernetes Lease API objects, codecs, validation, patches and apply: pure, no I/O.
