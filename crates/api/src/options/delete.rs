//! [`DeleteOptions`]: how an object, or each of a collection, is deleted.

use super::write::dry_run_error;
use super::{Query, refuse};
use crate::ApiError;
use crate::meta::{self, Preconditions};
use crate::validation::{FieldError, Path};

/// The options of a delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteOptions {
    /// Do everything but store the result.
    pub dry_run: bool,
    /// As sent, perhaps negative. Of use only to resources that are deleted gracefully.
    pub grace_period_seconds: Option<i64>,
    /// What happens to dependents, as the deprecated option says it. Excludes `propagation_policy`.
    pub orphan_dependents: Option<bool>,
    /// What happens to dependents. See [`DeleteOptions::propagation`].
    pub propagation_policy: Option<PropagationPolicy>,
    /// What must hold for the object.
    pub preconditions: Preconditions,
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropagationPolicy {
    /// They go first, and the object after them.
    Foreground,
    /// The object goes now, they later.
    Background,
    /// They stay, and forget their owner.
    Orphan,
}

impl PropagationPolicy {
    fn named(name: &str) -> Option<Self> {
        match name {
            "Foreground" => Some(Self::Foreground),
            "Background" => Some(Self::Background),
            "Orphan" => Some(Self::Orphan),
            _ => None,
        }
    }
}

impl DeleteOptions {
    /// Reads the options of a delete. A request with a body takes them from there and from nowhere else, as in
    /// Kubernetes. 400 for what cannot be read, 422 for forbidden values.
    pub fn new(query: Query<'_>, body: Option<meta::DeleteOptions>) -> Result<Self, ApiError> {
        let raw = match body {
            Some(body) => body,
            None => from_query(query)?,
        };
        refuse("DeleteOptions", &errors(&raw))?;
        Ok(Self {
            dry_run: !raw.dry_run.is_empty(),
            grace_period_seconds: raw.grace_period_seconds,
            orphan_dependents: raw.orphan_dependents,
            propagation_policy: raw.propagation_policy.and_then(|name| PropagationPolicy::named(&name)),
            preconditions: raw.preconditions.unwrap_or_default(),
        })
    }

    /// What happens to dependents, whichever option says it; `None` leaves it to the resource.
    #[must_use]
    pub fn propagation(&self) -> Option<PropagationPolicy> {
        match self.orphan_dependents {
            Some(true) => Some(PropagationPolicy::Orphan),
            Some(false) => Some(PropagationPolicy::Background),
            None => self.propagation_policy,
        }
    }
}

fn from_query(query: Query<'_>) -> Result<meta::DeleteOptions, ApiError> {
    let given = |name| query.first(name).filter(|v| !v.is_empty()).map(str::to_owned);
    Ok(meta::DeleteOptions {
        grace_period_seconds: query.number("gracePeriodSeconds")?,
        orphan_dependents: query.switch("orphanDependents"),
        propagation_policy: query.first("propagationPolicy").map(str::to_owned),
        dry_run: query.all("dryRun").map(str::to_owned).collect(),
        preconditions: Some(Preconditions {
            uid: given("uid"),
            resource_version: given("resourceVersion"),
        }),
        ..meta::DeleteOptions::default()
    })
}

fn errors(raw: &meta::DeleteOptions) -> Vec<FieldError> {
    let path = Path::new("propagationPolicy");
    let mut errors = Vec::new();
    if let Some(policy) = &raw.propagation_policy {
        if raw.orphan_dependents.is_some() {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid(&path, policy, detail));
        }
        if PropagationPolicy::named(policy).is_none() {
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            errors.push(FieldError::not_supported(&path, policy, &supported));
        }
    }
    errors.extend(dry_run_error(&raw.dry_run));
    errors
}

#[cfg(test)]
mod tests {
    use super::super::query::tests::pairs;
    use super::*;

    fn read(text: &str) -> Result<DeleteOptions, ApiError> {
        DeleteOptions::new(Query::new(&pairs(text)), None)
    }

    #[test]
    fn options_come_from_the_query() {
        let got = read("gracePeriodSeconds=-1&propagationPolicy=Background&dryRun=All&uid=u&resourceVersion=5");
        let want = DeleteOptions {
            dry_run: true,
            grace_period_seconds: Some(-1),
            orphan_dependents: None,
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Preconditions {
                uid: Some("u".to_owned()),
                resource_version: Some("5".to_owned()),
            },
        };
        assert_eq!(got.unwrap(), want);
        assert_eq!(read("uid=").unwrap(), DeleteOptions::default());
    }

    #[test]
    fn a_body_replaces_the_query() {
        let body = meta::DeleteOptions {
            grace_period_seconds: Some(3),
            ..meta::DeleteOptions::default()
        };
        let query = pairs("dryRun=All&gracePeriodSeconds=x");
        let got = DeleteOptions::new(Query::new(&query), Some(body)).unwrap();
        let want = DeleteOptions {
            grace_period_seconds: Some(3),
            ..DeleteOptions::default()
        };
        assert_eq!(got, want);
    }

    #[test]
    fn both_ways_of_naming_the_propagation_are_understood() {
        let cases = [
            ("", None),
            ("orphanDependents", Some(PropagationPolicy::Orphan)),
            ("orphanDependents=false", Some(PropagationPolicy::Background)),
            ("propagationPolicy=Foreground", Some(PropagationPolicy::Foreground)),
        ];
        for (text, want) in cases {
            assert_eq!(read(text).unwrap().propagation(), want, "{text}");
        }
    }

    #[test]
    fn bad_values_are_refused() {
        let cases = [
            (
                "gracePeriodSeconds=x",
                400,
                "strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            (
                "propagationPolicy=Nope",
                422,
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Nope\": supported \
                 values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
            ),
            (
                "propagationPolicy=Orphan&orphanDependents=1",
                422,
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": \
                 orphanDependents and deletionPropagation cannot be both set",
            ),
            (
                "dryRun=No",
                422,
                "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"No\"]: supported values: \
                 \"All\"",
            ),
        ];
        for (text, code, want) in cases {
            let error = read(text).unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), (code, want), "{text}");
        }
    }
}
