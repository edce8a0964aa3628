//! kube-rs against a running Leasehold.
