//! What a request is about, and who makes it.

use std::sync::Arc;

use leasehold_api::codec::Target;
use leasehold_api::{ApiError, Gvk, Object};

use crate::resource::{Resource, Subresource, Version};

/// What the path of a request names.
#[derive(Clone, Debug)]
pub struct Place {
    /// The resource.
    pub resource: &'static Resource,
    /// The version in which objects are read and shown.
    pub version: &'static Version,
    /// The part of the object, if not the whole.
    pub subresource: Option<Subresource>,
    /// Empty for what lives in no namespace, and for all namespaces at once.
    pub namespace: Arc<str>,
    /// Empty for the collection.
    pub name: Arc<str>,
}

impl Place {
    /// A resource's objects in a namespace, or all of them where it is empty, in the preferred version.
    #[must_use]
    pub fn collection(resource: &'static Resource, namespace: &str) -> Self {
        let version = &resource.versions[0];
        Self {
            resource,
            version,
            subresource: None,
            namespace: namespace.into(),
            name: "".into(),
        }
    }

    /// One object of this collection.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self {
            name: name.into(),
            ..self.clone()
        }
    }

    /// The kind of the objects here.
    #[must_use]
    pub fn gvk(&self) -> Gvk {
        self.resource.gvk(self.version)
    }

    /// What a body must hold here.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            gvk: self.gvk(),
            codec: self.version.codec,
        }
    }

    /// 409 for this name: somebody else's write came between.
    #[must_use]
    pub fn modified(&self) -> ApiError {
        ApiError::modified(self.resource.group, self.resource.plural, &self.name)
    }

    /// 404 for this name.
    #[must_use]
    pub fn not_found(&self) -> ApiError {
        ApiError::not_found(self.resource.group, self.resource.plural, &self.name)
    }
}

/// Says no to what authorization by name and verb cannot see, such as a node creating another node's lease.
pub trait Admission: Send + Sync {
    /// Judges an object about to be stored (`old` absent: created; `new` absent: deleted), in the stored version.
    ///
    /// # Errors
    /// 403, usually.
    fn admit(&self, place: &Place, new: Option<&dyn Object>, old: Option<&dyn Object>) -> Result<(), ApiError>;
}

/// Who writes.
#[derive(Clone)]
pub struct Caller {
    /// Whose name goes into `managedFields`.
    pub manager: Arc<str>,
    /// What else to ask before a write.
    pub admission: Option<Arc<dyn Admission>>,
}

/// How to write.
#[derive(Clone)]
pub struct WriteOptions {
    /// Who writes.
    pub caller: Caller,
    /// Do everything but store the result.
    pub dry_run: bool,
    /// Refuse unknown and duplicate fields instead of telling of them.
    pub strict: bool,
    /// Take fields over from other managers: apply only.
    pub force: bool,
}

/// The forms of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// `application/json-patch+json`
    Json,
    /// `application/merge-patch+json`
    Merge,
    /// `application/strategic-merge-patch+json`
    Strategic,
    /// `application/apply-patch+yaml`
    Apply,
}
