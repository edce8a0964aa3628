//! The Kubernetes API over HTTP: filters, routes, negotiation, discovery, OpenAPI, health, metrics.
