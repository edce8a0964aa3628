//! `/version`: which program this is.

use http::{Response, StatusCode};
use serde::Serialize;

use crate::{Body, negotiate, reply};

/// What `/version` says. Clients decide by major and minor what they may ask for: they are Kubernetes', whose API this is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// Kubernetes' major version.
    pub major: String,
    /// Kubernetes' minor version.
    pub minor: String,
    /// The major version whose behaviour this is.
    pub emulation_major: String,
    /// The minor version whose behaviour this is.
    pub emulation_minor: String,
    /// The major version of the oldest server that this one works beside.
    pub min_compatibility_major: String,
    /// The minor version of the oldest server that this one works beside.
    pub min_compatibility_minor: String,
    /// Such as `v1.36.0+leasehold-0.1.0`.
    pub git_version: String,
    /// The commit that was built, or empty.
    pub git_commit: String,
    /// `clean`, `dirty` or empty.
    pub git_tree_state: String,
    /// When it was built, or empty.
    pub build_date: String,
    /// What it was built with.
    pub go_version: String,
    /// The compiler.
    pub compiler: String,
    /// Operating system and architecture.
    pub platform: String,
}

impl VersionInfo {
    /// That of a leasehold of this version, such as `0.1.0`.
    #[must_use]
    pub fn of(leasehold: &str) -> Self {
        Self {
            major: "1".to_owned(),
            minor: "36".to_owned(),
            emulation_major: "1".to_owned(),
            emulation_minor: "36".to_owned(),
            min_compatibility_major: "1".to_owned(),
            min_compatibility_minor: "35".to_owned(),
            git_version: format!("v1.36.0+leasehold-{leasehold}"),
            git_commit: String::new(),
            git_tree_state: String::new(),
            build_date: String::new(),
            go_version: String::new(),
            compiler: "rustc".to_owned(),
            platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }

    pub(crate) fn reply(&self) -> Response<Body> {
        let body = serde_json::to_vec_pretty(self).expect("texts have a JSON form");
        reply::new(StatusCode::OK, negotiate::JSON, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_find_a_kubernetes_version() {
        let Body::Full(body) = VersionInfo::of("0.1.0").reply().into_body() else {
            panic!("a document")
        };
        let version: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&version["major"], &version["minor"]), (&"1".into(), &"36".into()));
        assert_eq!(version["gitVersion"], "v1.36.0+leasehold-0.1.0");
    }
}
