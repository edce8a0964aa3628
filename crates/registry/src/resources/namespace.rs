//! `namespaces`: where leases and events live. Deleting one takes everything in it along.

use leasehold_api::core::Namespace;
use leasehold_api::fields::NAMESPACE_LABELS;
use leasehold_api::validation::{
    FieldError, validate_namespace_create, validate_namespace_finalize_update, validate_namespace_status_update,
    validate_namespace_update,
};
use leasehold_api::{Gvk, Object, Time, TypeCodec};

use super::{typed, typed_mut};
use crate::features::Features;
use crate::resource::{Resource, Strategy, Subresource, Version, View};

const CODEC: TypeCodec = TypeCodec::of::<Namespace>();

/// What exists from the start.
pub const INITIAL_NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// What cannot be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Waits for everything in the namespace to be gone.
const FINALIZER: &str = "kubernetes";

/// The phase of a namespace that is not being deleted.
const ACTIVE: &str = "Active";

/// A label that lets namespaces be selected by name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The row of namespaces.
pub static NAMESPACES: Resource = Resource {
    group: "",
    plural: "namespaces",
    singular: "namespace",
    kind: "Namespace",
    list_kind: "NamespaceList",
    namespaced: false,
    short_names: &["ns"],
    versions: &[Version {
        version: "v1",
        codec: CODEC,
        convert: None,
        warning: None,
        slot: 0,
    }],
    subresources: &[Subresource::Finalize, Subresource::Status],
    storage: "namespaces",
    stored: (
        Gvk {
            group: "",
            version: "v1",
            kind: "Namespace",
        },
        CODEC,
    ),
    storage_version_hash: "Q3oi5N2YM8M=",
    create_on_update: false,
    unconditional_update: true,
    labels: NAMESPACE_LABELS,
    view: View::of::<Namespace>(),
    feature: None,
    strategy: &NamespaceStrategy,
};

struct NamespaceStrategy;

impl Strategy for NamespaceStrategy {
    fn default(&self, new: &mut dyn Object) {
        let namespace: &mut Namespace = typed_mut(new);
        if namespace.status.phase.is_empty() {
            namespace.status.phase = ACTIVE.to_owned();
        }
        let metadata = &mut namespace.metadata;
        if !metadata.name.is_empty() {
            metadata.labels.insert(NAME_LABEL.to_owned(), metadata.name.clone());
        }
    }

    fn prepare_create(&self, new: &mut dyn Object, _features: Features) {
        let namespace: &mut Namespace = typed_mut(new);
        namespace.status = Default::default();
        namespace.status.phase = ACTIVE.to_owned();
        if !namespace.spec.finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            namespace.spec.finalizers.push(FINALIZER.to_owned());
        }
    }

    fn validate_create(&self, new: &dyn Object, _version: &Version) -> Vec<FieldError> {
        validate_namespace_create(typed(new))
    }

    fn prepare_update(
        &self,
        new: &mut dyn Object,
        old: &dyn Object,
        subresource: Option<Subresource>,
        _features: Features,
    ) {
        let (new, old): (&mut Namespace, &Namespace) = (typed_mut(new), typed(old));
        match subresource {
            None => {
                new.spec.finalizers.clone_from(&old.spec.finalizers);
                new.status.clone_from(&old.status);
            }
            Some(Subresource::Status) => new.spec.clone_from(&old.spec),
            Some(Subresource::Finalize) => new.status.clone_from(&old.status),
        }
    }

    fn validate_update(
        &self,
        new: &dyn Object,
        old: &dyn Object,
        subresource: Option<Subresource>,
        _version: &Version,
    ) -> Vec<FieldError> {
        match subresource {
            // Kubernetes checks the whole, then the change.
            None => {
                let mut errors = validate_namespace_create(typed(new));
                errors.extend(validate_namespace_update(typed(new), typed(old)));
                errors
            }
            Some(Subresource::Status) => validate_namespace_status_update(typed(new), typed(old)),
            Some(Subresource::Finalize) => validate_namespace_finalize_update(typed(new), typed(old)),
        }
    }

    fn deletes_itself(&self) -> bool {
        true
    }

    fn undeletable(&self, name: &str) -> Option<&'static str> {
        IMMORTAL.contains(&name).then_some("this namespace may not be deleted")
    }

    fn begin_deletion(&self, object: &mut dyn Object, now: Time) {
        let namespace: &mut Namespace = typed_mut(object);
        namespace.metadata.deletion_timestamp = Some(now);
        namespace.status.phase = "Terminating".to_owned();
    }

    fn holds(&self, object: &dyn Object) -> bool {
        !typed::<Namespace>(object).spec.finalizers.is_empty()
    }
}
