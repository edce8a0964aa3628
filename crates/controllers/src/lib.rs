//! Controllers of leases, nodes and namespaces.
