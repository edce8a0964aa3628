//! Where things are in etcd: Kubernetes' own layout, so that a kube-apiserver over the same etcd sees the same objects.
//!
//! `PREFIX/RESOURCE/NAMESPACE/NAME`, or `PREFIX/RESOURCE/NAME` for what lives in no namespace. What else is found under the
//! prefix belongs to others: a key that does not read exactly so, or whose resource is not one of ours, is passed over.

use std::sync::Arc;

use bytes::Bytes;
use leasehold_etcd::prefix_end;

use crate::{Key, Range};

/// What replicas keep for themselves, under the prefix and beside the resources. A domain of ours, so that no resource of
/// anybody else's is ever called so.
const OWN: &str = "leasehold.dev";
/// What is written, where etcd's word for its progress cannot be trusted, to see it come along.
const MARKER: &str = "progress";

/// The layout for one prefix and a closed set of resources.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
    resources: Vec<&'static str>,
}

/// The keys from `start` on and before `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Bytes,
    pub(super) end: Bytes,
}

impl Keys {
    /// `None` unless the prefix is a path that begins with a slash and has no empty part, and there is a resource.
    pub(super) fn new(prefix: &str, resources: &[&'static str]) -> Option<Self> {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let parts = prefix.strip_prefix('/')?;
        let sound = parts.split('/').all(|part| !part.is_empty()) && !resources.is_empty();
        sound.then(|| Self {
            prefix: prefix.to_owned(),
            resources: resources.to_vec(),
        })
    }

    pub(super) fn resources(&self) -> &[&'static str] {
        &self.resources
    }

    pub(super) fn has(&self, resource: &str) -> bool {
        self.resources.contains(&resource)
    }

    /// Where a key is stored; `None` for one that would read as another, which nothing can be stored at.
    pub(super) fn encode(&self, key: &Key) -> Option<Bytes> {
        let Key {
            resource,
            namespace,
            name,
        } = key;
        if name.is_empty() || name.contains('/') || namespace.contains('/') {
            return None;
        }
        let mut path = String::with_capacity(self.prefix.len() + resource.len() + namespace.len() + name.len() + 3);
        for part in [&*self.prefix, "/", resource] {
            path.push_str(part);
        }
        for part in [&**namespace, &**name].into_iter().filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
        }
        Some(path.into())
    }

    /// Which key is stored there, if it is one of a resource that is followed.
    pub(super) fn decode(&self, path: &[u8]) -> Option<Key> {
        self.decode_of(&self.resources, path)
    }

    /// Which key is stored there, if it is one of these resources.
    pub(super) fn decode_of(&self, resources: &[&'static str], path: &[u8]) -> Option<Key> {
        let path = std::str::from_utf8(path).ok()?;
        let mut parts = path.strip_prefix(&*self.prefix)?.strip_prefix('/')?.split('/');
        let resource = parts.next()?;
        let resource = resources.iter().find(|known| **known == resource)?;
        let (namespace, name) = match (parts.next()?, parts.next()) {
            (name, None) => ("", name),
            ("", _) => return None,
            (namespace, Some(name)) => (namespace, name),
        };
        (parts.next().is_none() && !name.is_empty()).then(|| Key {
            resource,
            namespace: Arc::from(namespace),
            name: Arc::from(name),
        })
    }

    /// What holds the keys of a range, and perhaps others.
    pub(super) fn span(&self, range: &Range) -> Span {
        match range {
            Range::Namespace(resource, namespace) if !namespace.is_empty() => {
                Span::of_prefix(format!("{}{namespace}/", self.of_resource(resource)))
            }
            other => Span::of_prefix(self.of_resource(other.resource())),
        }
    }

    /// The smallest span that holds all resources and the marker: what one watch can follow.
    pub(super) fn followed(&self) -> Span {
        let resources = self.resources.iter().map(|resource| self.of_resource(resource));
        let spans = resources.map(Span::of_prefix);
        let marker = self.marker();
        let start = marker.clone();
        let end = [&*marker, b"\0"].concat().into();
        spans.fold(Span { start, end }, |all, span| Span {
            start: all.start.min(span.start),
            end: all.end.max(span.end),
        })
    }

    /// See [`MARKER`].
    pub(super) fn marker(&self) -> Bytes {
        self.own(MARKER)
    }

    /// A key for what replicas share among themselves.
    pub(super) fn own(&self, name: &str) -> Bytes {
        format!("{}/{OWN}/{name}", self.prefix).into()
    }

    fn of_resource(&self, resource: &str) -> String {
        format!("{}/{resource}/", self.prefix)
    }
}

impl Span {
    fn of_prefix(prefix: String) -> Self {
        let start = Bytes::from(prefix);
        let end = prefix_end(&start);
        Self { start, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(resources: &[&'static str]) -> Keys {
        Keys::new("/registry", resources).unwrap()
    }

    fn key(resource: &'static str, namespace: &str, name: &str) -> Key {
        Key {
            resource,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    #[test]
    fn keys_are_where_kubernetes_has_them() {
        let keys = keys(&["leases", "minions"]);
        for (key, path) in [
            (key("leases", "kube-system", "a"), "/registry/leases/kube-system/a"),
            (key("minions", "", "node-1.example"), "/registry/minions/node-1.example"),
        ] {
            assert_eq!(keys.encode(&key).unwrap(), path);
            assert_eq!(keys.decode(path.as_bytes()), Some(key));
        }
        assert_eq!(
            Keys::new("/a/b/", &["leases"])
                .unwrap()
                .encode(&key("leases", "n", "x"))
                .unwrap(),
            "/a/b/leases/n/x"
        );
    }

    #[test]
    fn what_does_not_read_as_one_of_ours_is_passed_over() {
        let keys = keys(&["leases"]);
        for path in [
            &b"/registry/leases"[..],
            b"/registry/leases/",
            b"/registry/leases//a",
            b"/registry/leases/n/",
            b"/registry/leases/n/a/b",
            b"/registry/leases/n/a/",
            b"/registry/leasesx/n/a",
            b"/registry/pods/n/a",
            b"/registryleases/n/a",
            b"/other/leases/n/a",
            b"registry/leases/n/a",
            b"/registry/leases/n/\xff",
            b"/registry/leasehold.dev/progress",
            b"",
        ] {
            assert_eq!(keys.decode(path), None, "{}", path.escape_ascii());
        }
    }

    #[test]
    fn nothing_is_stored_where_it_would_read_as_something_else() {
        let keys = keys(&["leases"]);
        for odd in [
            key("leases", "n", ""),
            key("leases", "", "n/a"),
            key("leases", "n/a", "b"),
        ] {
            assert_eq!(keys.encode(&odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_span_holds_its_range() {
        let keys = keys(&["leases"]);
        let holds = |range: &Range, path: &str| {
            let span = keys.span(range);
            *span.start <= *path.as_bytes() && *span.end > *path.as_bytes()
        };
        let namespace = Range::Namespace("leases", "a".into());
        assert!(holds(&namespace, "/registry/leases/a/x") && !holds(&namespace, "/registry/leases/a-b/x"));
        let all = Range::Resource("leases");
        assert!(holds(&all, "/registry/leases/a/x") && !holds(&all, "/registry/leases0"));
        assert!(!holds(&all, "/registry/leasecandidates/a/x"));
        let nowhere = Range::Namespace("leases", "".into());
        assert!(holds(&nowhere, "/registry/leases/x"));
    }

    #[test]
    fn one_span_is_followed_and_no_larger_than_it_must_be() {
        let text = |keys: Keys| {
            let Span { start, end } = keys.followed();
            (
                String::from_utf8(start.to_vec()).unwrap(),
                String::from_utf8(end.to_vec()).unwrap(),
            )
        };
        let coordination = text(keys(&["leases", "leasecandidates"]));
        let whole = text(keys(&["events", "leases", "minions", "namespaces"]));
        let span = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        assert_eq!(coordination, span("/registry/leasecandidates/", "/registry/leases0"));
        assert_eq!(whole, span("/registry/events/", "/registry/namespaces0"));
        let alone = text(keys(&["leases"]));
        assert_eq!(alone, span("/registry/leasehold.dev/progress", "/registry/leases0"));
    }

    #[test]
    fn a_prefix_is_a_path() {
        for bad in ["", "/", "registry", "//", "/a//b"] {
            assert!(Keys::new(bad, &["leases"]).is_none(), "{bad}");
        }
        assert!(Keys::new("/registry", &[]).is_none());
    }
}
