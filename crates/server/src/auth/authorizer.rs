//! May they? The seam behind which the rules are, and the words of a refusal.

use std::sync::Arc;

use leasehold_api::ApiError;
use leasehold_api::meta::StatusDetails;
use leasehold_registry::Admission;

use super::{Attributes, Quoted, User};

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It may.
    Allow,
    /// Nothing allows it.
    Deny,
}

/// Decides who may do what, before anything of the request but its first line and headers is known. What is not
/// allowed is denied.
pub trait Authorizer: Send + Sync {
    /// Whether `user` may do this.
    fn decide(&self, user: &User, attributes: &Attributes<'_>) -> Decision;

    /// [`Authorizer::decide`] with the refusal that is answered. It tells nothing of what exists.
    ///
    /// # Errors
    /// 403 when it is not allowed.
    fn authorize(&self, user: &User, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        match self.decide(user, attributes) {
            Decision::Allow => Ok(()),
            #[cfg(leasehold_mutant = "authorization-fails-open")]
            Decision::Deny => Ok(()),
            Decision::Deny => Err(forbidden(user, attributes)),
        }
    }

    /// What else to ask for a write of this user, once the object is known.
    fn admission(&self, _user: &User) -> Option<Arc<dyn Admission>> {
        None
    }
}

/// Kubernetes' 403 for a request that is not allowed.
#[must_use]
pub fn forbidden(user: &User, attributes: &Attributes<'_>) -> ApiError {
    let why = sanitized(&denied(user, attributes));
    if attributes.is_resource() {
        return ApiError::forbidden(attributes.group, attributes.resource, attributes.name, &why);
    }
    ApiError::new(403, "Forbidden", format!("forbidden: {why}")).with_details(StatusDetails::default())
}

fn denied(user: &User, attributes: &Attributes<'_>) -> String {
    let Attributes {
        verb,
        group,
        resource,
        subresource,
        namespace,
        path,
        ..
    } = *attributes;
    let who = Quoted(&user.name);
    if !attributes.is_resource() {
        return format!("User {who} cannot {verb} path {}", Quoted(path));
    }
    let what = match subresource {
        "" => resource.to_owned(),
        part => format!("{resource}/{part}"),
    };
    let scope = match namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {}", Quoted(namespace)),
    };
    format!(
        "User {who} cannot {verb} resource {} in API group {} {scope}",
        Quoted(&what),
        Quoted(group)
    )
}

/// Keeps a browser that is shown the message from seeing markup in it.
fn sanitized(message: &str) -> String {
    message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(user: &str, attributes: Attributes<'_>) -> String {
        forbidden(&User::authenticated(user, []), &attributes).to_string()
    }

    const NOTHING: Attributes<'_> = Attributes {
        verb: "get",
        group: "",
        version: "",
        resource: "",
        subresource: "",
        namespace: "",
        name: "",
        path: "/",
    };

    const LEASE: Attributes<'_> = Attributes {
        group: "coordination.k8s.io",
        version: "v1",
        resource: "leases",
        namespace: "nope",
        name: "x",
        ..NOTHING
    };

    #[test]
    fn refusals_use_the_words_of_kubernetes() {
        assert_eq!(
            message("system:anonymous", LEASE),
            "leases.coordination.k8s.io \"x\" is forbidden: User \"system:anonymous\" cannot get resource \"leases\" \
             in API group \"coordination.k8s.io\" in the namespace \"nope\""
        );
        let everywhere = Attributes {
            verb: "list",
            namespace: "",
            name: "",
            ..LEASE
        };
        assert_eq!(
            message("u", everywhere),
            "leases.coordination.k8s.io is forbidden: User \"u\" cannot list resource \"leases\" in API group \
             \"coordination.k8s.io\" at the cluster scope"
        );
        let status = Attributes {
            verb: "patch",
            resource: "nodes",
            subresource: "status",
            name: "n1",
            ..NOTHING
        };
        assert_eq!(
            message("u", status),
            "nodes \"n1\" is forbidden: User \"u\" cannot patch resource \"nodes/status\" in API group \"\" at the \
             cluster scope"
        );
        let metrics = Attributes {
            path: "/metrics",
            ..NOTHING
        };
        assert_eq!(
            message("u", metrics),
            "forbidden: User \"u\" cannot get path \"/metrics\""
        );
    }

    #[test]
    fn a_refusal_names_what_was_asked_for_in_its_details() {
        let lease = forbidden(&User::anonymous(), &LEASE);
        let details = lease.status().details.clone().unwrap();
        assert_eq!(
            (&*details.name, &*details.group, &*details.kind),
            ("x", "coordination.k8s.io", "leases")
        );
        let path = forbidden(&User::anonymous(), &NOTHING);
        assert_eq!(path.status().details, Some(StatusDetails::default()));
        assert_eq!((path.code(), path.reason()), (403, "Forbidden"));
    }

    #[test]
    fn a_refusal_holds_no_markup() {
        let path = Attributes {
            path: "/<script>&",
            ..NOTHING
        };
        assert_eq!(
            message("<u>", path),
            "forbidden: User \"&lt;u&gt;\" cannot get path \"/&lt;script&gt;&amp;\""
        );
    }
}
