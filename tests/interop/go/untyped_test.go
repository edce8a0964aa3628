package interop

import (
	"maps"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/restmapper"
)

var leasesResource = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}

func TestDynamicClient(t *testing.T) {
	ctx, ns := t.Context(), namespace(t)
	client, err := dynamic.NewForConfig(admin(t))
	must(t, err)
	leases := client.Resource(leasesResource).Namespace(ns)
	wanted := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
		"metadata": map[string]any{"name": "a"},
		"spec":     map[string]any{"holderIdentity": "one", "leaseDurationSeconds": int64(15)},
	}}
	made, err := leases.Create(ctx, wanted, metav1.CreateOptions{})
	must(t, err)
	wantSame(t, "spec", made.Object["spec"], wanted.Object["spec"])

	must(t, unstructured.SetNestedField(made.Object, "two", "spec", "holderIdentity"))
	updated, err := leases.Update(ctx, made, metav1.UpdateOptions{})
	must(t, err)
	list, err := leases.List(ctx, metav1.ListOptions{})
	must(t, err)
	if len(list.Items) != 1 || list.GetKind() != "LeaseList" {
		t.Fatalf("list: %+v", list)
	}
	wantSame(t, "the listed one", list.Items[0].Object, updated.Object)

	must(t, unstructured.SetNestedField(wanted.Object, "three", "spec", "holderIdentity"))
	_, err = leases.Apply(ctx, "a", wanted, metav1.ApplyOptions{FieldManager: "m", Force: true})
	must(t, err)
	must(t, leases.Delete(ctx, "a", metav1.DeleteOptions{}))
	if _, err := leases.Get(ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("after the delete: %v", err)
	}
}

// The metadata client speaks protobuf only.
func TestMetadataClient(t *testing.T) {
	ctx, ns := t.Context(), namespace(t)
	typed := clientset(t, admin(t)).CoordinationV1().Leases(ns)
	client, err := metadata.NewForConfig(admin(t))
	must(t, err)
	leases := client.Resource(leasesResource).Namespace(ns)

	made := create(t, typed, lease("a", "one"))
	read, err := leases.Get(ctx, "a", metav1.GetOptions{})
	must(t, err)
	wantSame(t, "metadata", read.ObjectMeta, made.ObjectMeta)
	list, err := leases.List(ctx, metav1.ListOptions{})
	must(t, err)
	if len(list.Items) != 1 || list.Items[0].UID != made.UID {
		t.Fatalf("list: %+v", list.Items)
	}

	events, err := leases.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	must(t, err)
	defer events.Stop()
	patch := []byte(`{"metadata":{"labels":{"app":"x"}}}`)
	patched, err := leases.Patch(ctx, "a", types.MergePatchType, patch, metav1.PatchOptions{})
	must(t, err)
	event := next(t, events)
	seen, ok := event.Object.(*metav1.PartialObjectMetadata)
	if event.Type != watch.Modified || !ok || seen.ResourceVersion != patched.ResourceVersion || seen.Labels["app"] != "x" {
		t.Errorf("event: %+v", event)
	}
	must(t, leases.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	if event := next(t, events); event.Type != watch.Deleted {
		t.Errorf("event: %+v", event)
	}
}

// The two ways to ask what there is give one answer.
func TestDiscovery(t *testing.T) {
	aggregated, err := discovery.NewDiscoveryClientForConfig(admin(t))
	must(t, err)
	legacy, err := discovery.NewDiscoveryClientForConfig(admin(t))
	must(t, err)
	legacy.UseLegacyDiscovery = true
	found, foundLegacy := resources(t, aggregated), resources(t, legacy)
	wantSame(t, "aggregated discovery", found, foundLegacy)
	for _, wanted := range []string{
		"coordination.k8s.io/v1 leases Lease namespaced []",
		"coordination.k8s.io/v1beta1 leasecandidates LeaseCandidate namespaced []",
		"v1 namespaces Namespace cluster [ns]",
		"v1 nodes Node cluster [no]",
		"v1 nodes/status Node cluster []",
		"events.k8s.io/v1 events Event namespaced [ev]",
	} {
		if _, ok := found[wanted]; !ok {
			t.Errorf("%q is not among %q", wanted, slices.Sorted(maps.Keys(found)))
		}
	}
	version, err := aggregated.ServerVersion()
	must(t, err)
	if version.Major != "1" || !strings.HasPrefix(version.GitVersion, "v1.") {
		t.Errorf("version: %+v", version)
	}
}

func TestSchemas(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(admin(t))
	must(t, err)
	document, err := client.OpenAPISchema()
	must(t, err)
	if document.GetInfo().GetTitle() == "" || len(document.GetDefinitions().GetAdditionalProperties()) == 0 {
		t.Errorf("OpenAPI v2 lacks its title or definitions: %v", document.GetInfo())
	}
	paths, err := client.OpenAPIV3().Paths()
	must(t, err)
	group, ok := paths["apis/coordination.k8s.io/v1"]
	if !ok {
		t.Fatalf("OpenAPI v3 lacks the group of leases")
	}
	schema, err := group.Schema(json)
	must(t, err)
	if !strings.Contains(string(schema), "io.k8s.api.coordination.v1.LeaseSpec") {
		t.Errorf("OpenAPI v3 lacks LeaseSpec")
	}
}

func TestRESTMapper(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(admin(t))
	must(t, err)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "coordination.k8s.io", Kind: "LeaseCandidate"})
	must(t, err)
	if mapping.Resource.Version != "v1beta1" || mapping.Scope.Name() != "namespace" {
		t.Errorf("mapping: %+v", mapping)
	}
	shortcut := restmapper.NewShortcutExpander(mapper, client, func(string) {})
	kind, err := shortcut.KindFor(schema.GroupVersionResource{Resource: "no"})
	must(t, err)
	if kind != (schema.GroupVersionKind{Version: "v1", Kind: "Node"}) {
		t.Errorf("kind of no: %v", kind)
	}
}

// resources are all of them, as sentences, with their verbs.
func resources(t *testing.T, client *discovery.DiscoveryClient) map[string]string {
	t.Helper()
	_, lists, err := client.ServerGroupsAndResources()
	must(t, err)
	found := map[string]string{}
	for _, list := range lists {
		for _, each := range list.APIResources {
			scope := "cluster"
			if each.Namespaced {
				scope = "namespaced"
			}
			words := []string{list.GroupVersion, each.Name, each.Kind, scope, "[" + strings.Join(each.ShortNames, " ") + "]"}
			slices.Sort(each.Verbs)
			found[strings.Join(words, " ")] = strings.Join(each.Verbs, ",")
		}
	}
	return found
}
