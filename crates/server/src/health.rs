//! `/healthz`, `/livez` and `/readyz`, each with a path per check.
//!
//! `/livez` fails when the process should be restarted, `/readyz` when it should get no new requests. What is wrong in
//! particular is logged and told at the check's own path, never in the summary: everyone may read that.

use crate::uri::Pairs;
use crate::{Body, reply};
use http::{Response, StatusCode};

/// One of the three summaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Healthz,
    Livez,
    Readyz,
}

impl Endpoint {
    fn named(name: &str) -> Option<Self> {
        match name {
            "healthz" => Some(Self::Healthz),
            "livez" => Some(Self::Livez),
            "readyz" => Some(Self::Readyz),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Healthz => "healthz",
            Self::Livez => "livez",
            Self::Readyz => "readyz",
        }
    }
}

/// One thing that can be wrong.
struct Check {
    name: &'static str,
    of: &'static [Endpoint],
    run: fn(&Health<'_>) -> Result<(), String>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "ping",
        of: &[Endpoint::Healthz, Endpoint::Livez, Endpoint::Readyz],
        run: |_| Ok(()),
    },
    Check {
        name: "store",
        of: &[Endpoint::Healthz, Endpoint::Readyz],
        run: |health| (health.store)(),
    },
    Check {
        name: "shutdown",
        of: &[Endpoint::Readyz],
        run: |health| {
            if health.draining {
                Err("the server is shutting down".to_owned())
            } else {
                Ok(())
            }
        },
    },
];

/// Whether a path is one of health, as far as its first segment tells.
pub(crate) fn is_probe(path: &str) -> bool {
    path.split('/')
        .nth(1)
        .is_some_and(|first| Endpoint::named(first).is_some())
}

/// Every path of health.
pub(crate) fn paths() -> impl Iterator<Item = String> {
    [Endpoint::Healthz, Endpoint::Livez, Endpoint::Readyz]
        .into_iter()
        .flat_map(|endpoint| {
            let checks = CHECKS.iter().filter(move |check| check.of.contains(&endpoint));
            let single = checks.map(move |check| format!("/{}/{}", endpoint.name(), check.name));
            std::iter::once(format!("/{}", endpoint.name())).chain(single)
        })
}

/// What the checks look at.
pub(crate) struct Health<'a> {
    /// Whether the store can acknowledge writes.
    pub(crate) store: &'a dyn Fn() -> Result<(), String>,
    /// Whether the server is going down.
    pub(crate) draining: bool,
}

impl Health<'_> {
    /// Answers at a path of health; `None` at any other.
    pub(crate) fn reply(&self, path: &str, query: &Pairs<'_>) -> Option<Response<Body>> {
        let mut segments = path.split('/').skip(1);
        let endpoint = Endpoint::named(segments.next()?)?;
        let checks = || CHECKS.iter().filter(|check| check.of.contains(&endpoint));
        match (segments.next(), segments.next()) {
            (None, _) => Some(self.summary(endpoint, checks(), query)),
            (Some(name), None) => checks()
                .find(|check| check.name == name)
                .map(|check| self.single(check)),
            (Some(_), Some(_)) => None,
        }
    }

    fn single(&self, check: &Check) -> Response<Body> {
        match (check.run)(self) {
            Ok(()) => reply::text(StatusCode::OK, "ok"),
            Err(why) => reply::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("internal server error: {why}\n"),
            ),
        }
    }

    fn summary<'c>(
        &self,
        endpoint: Endpoint,
        checks: impl Iterator<Item = &'c Check>,
        query: &Pairs<'_>,
    ) -> Response<Body> {
        let name = endpoint.name();
        let mut excluded: Vec<&str> = query
            .iter()
            .filter(|(key, _)| key == "exclude")
            .map(|(_, name)| &**name)
            .collect();
        let (mut lines, mut failed) = (String::new(), false);
        for check in checks {
            let given = excluded.len();
            excluded.retain(|name| *name != check.name);
            let outcome = if excluded.len() < given {
                Ok(" excluded:")
            } else {
                (check.run)(self).map(|()| "")
            };
            match outcome {
                Ok(how) => lines.push_str(&format!("[+]{}{how} ok\n", check.name)),
                Err(why) => {
                    tracing::warn!(check = check.name, why, "{name} check failed");
                    failed = true;
                    lines.push_str(&format!("[-]{} failed: reason withheld\n", check.name));
                }
            }
        }
        if !excluded.is_empty() {
            excluded.sort_unstable();
            excluded.dedup();
            let names = excluded
                .iter()
                .map(|name| format!("{name:?}"))
                .collect::<Vec<_>>()
                .join(",");
            lines.push_str(&format!(
                "warn: some health checks cannot be excluded: no matches for {names}\n"
            ));
        }
        if failed {
            return reply::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("{lines}{name} check failed\n"),
            );
        }
        if !query.iter().any(|(key, _)| key == "verbose") {
            return reply::text(StatusCode::OK, "ok");
        }
        reply::text(StatusCode::OK, format!("{lines}{name} check passed\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uri;

    /// The code and text at a path, given the store's trouble and whether the server drains.
    fn at(target: &str, trouble: Option<&str>, draining: bool) -> Option<(u16, String)> {
        let store = || trouble.map_or(Ok(()), |why| Err(why.to_owned()));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let health = Health {
            store: &store,
            draining,
        };
        let response = health.reply(path, &uri::query_pairs(Some(query)))?;
        let code = response.status().as_u16();
        let Body::Full(body) = response.into_body() else {
            panic!("health is no stream")
        };
        Some((code, String::from_utf8(body.to_vec()).unwrap()))
    }

    #[test]
    fn all_is_well() {
        for path in [
            "/healthz",
            "/livez",
            "/readyz",
            "/livez/ping",
            "/readyz/store",
            "/healthz/ping",
            "/readyz/shutdown",
        ] {
            assert_eq!(at(path, None, false), Some((200, "ok".to_owned())), "{path}");
        }
        let verbose = "[+]ping ok\n[+]store ok\n[+]shutdown ok\nreadyz check passed\n";
        assert_eq!(at("/readyz?verbose", None, false), Some((200, verbose.to_owned())));
        let excluded = "[+]ping excluded: ok\n[+]store ok\nwarn: some health checks cannot be excluded: no matches for \
                        \"a\",\"b\"\nhealthz check passed\n";
        let target = "/healthz?verbose=1&exclude=ping&exclude=b&exclude=a&exclude=b";
        assert_eq!(at(target, None, false), Some((200, excluded.to_owned())));
    }

    #[test]
    fn a_store_that_cannot_write_makes_it_unready_and_leaves_it_alive() {
        let summary = "[+]ping ok\n[-]store failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n";
        assert_eq!(at("/readyz", Some("disk full"), false), Some((500, summary.to_owned())));
        assert_eq!(
            at("/readyz/store", Some("disk full"), false),
            Some((500, "internal server error: disk full\n".to_owned()))
        );
        assert_eq!(at("/healthz", Some("disk full"), false).unwrap().0, 500);
        assert_eq!(at("/livez", Some("disk full"), false).unwrap().0, 200);
        assert_eq!(
            at("/readyz?exclude=store", Some("disk full"), false),
            Some((200, "ok".to_owned()))
        );
    }

    #[test]
    fn a_server_that_drains_is_unready_and_alive() {
        assert_eq!(at("/readyz", None, true).unwrap().0, 500);
        assert_eq!(at("/readyz/shutdown", None, true).unwrap().0, 500);
        for path in ["/livez", "/healthz", "/readyz/store"] {
            assert_eq!(at(path, None, true).unwrap().0, 200, "{path}");
        }
    }

    #[test]
    fn there_is_nothing_else() {
        for path in [
            "/",
            "/readyz/nope",
            "/livez/store",
            "/livez/shutdown",
            "/readyz/ping/x",
            "/health",
            "/version",
        ] {
            assert_eq!(at(path, None, false), None, "{path}");
        }
    }
}
