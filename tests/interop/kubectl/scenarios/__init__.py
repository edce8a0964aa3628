"""All scenarios, by what the user does. A new module has to be named here."""

from scenarios import (
    applying,
    changing,
    controllers,
    creating,
    deleting,
    discovering,
    events,
    heartbeats,
    namespaces,
    nodes,
    reading,
    watching,
)

__all__ = [
    "applying",
    "changing",
    "controllers",
    "creating",
    "deleting",
    "discovering",
    "events",
    "heartbeats",
    "namespaces",
    "nodes",
    "reading",
    "watching",
]
