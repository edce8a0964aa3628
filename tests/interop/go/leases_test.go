package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// Both encodings: everything that a typed client does with one lease, and no reply in another encoding.
func TestTypedClient(t *testing.T) {
	for name, contentType := range map[string]string{"json": json, "protobuf": protobuf} {
		t.Run(name, func(t *testing.T) {
			var seen requests
			testTypedClient(t, &seen, contentType)
			for _, each := range seen.all() {
				if strings.Contains(each.path, "/leases") && !strings.HasPrefix(each.got, contentType) {
					t.Errorf("%s %s was answered in %q", each.method, each.path, each.got)
				}
			}
		})
	}
}

func testTypedClient(t *testing.T, seen *requests, contentType string) {
	ctx, leases := t.Context(), leasesIn(t, in(seen.of(admin(t)), contentType))
	full := lease("full", "one")
	full.Labels = map[string]string{"app": "x"}
	full.Annotations = map[string]string{"note": "ünïcode\n"}
	full.Finalizers = []string{"example.com/hold"}
	full.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "n", UID: "u"}}
	full.Spec.AcquireTime = new(metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)))
	full.Spec.Strategy = new(coordinationv1.OldestEmulationVersion)
	full.Spec.PreferredHolder = new("two")

	made := create(t, leases, full)
	read, err := leases.Get(ctx, "full", metav1.GetOptions{})
	must(t, err)
	wantSame(t, "what was read", read, made)
	wantSame(t, "spec", inMicroseconds(read.Spec), inMicroseconds(full.Spec))
	if made.UID == "" || made.Generation != 0 || made.CreationTimestamp.IsZero() || len(made.ManagedFields) != 1 {
		t.Errorf("metadata is incomplete: %+v", made.ObjectMeta)
	}

	read.Spec.HolderIdentity, read.Finalizers = new("two"), nil
	updated, err := leases.Update(ctx, read, metav1.UpdateOptions{})
	must(t, err)
	if number(t, updated.ResourceVersion) <= number(t, made.ResourceVersion) || updated.UID != made.UID {
		t.Errorf("updated to version %s of %s", updated.ResourceVersion, updated.UID)
	}
	same, err := leases.Update(ctx, updated, metav1.UpdateOptions{})
	must(t, err)
	if same.ResourceVersion != updated.ResourceVersion {
		t.Errorf("an update that changes nothing made version %s of %s", same.ResourceVersion, updated.ResourceVersion)
	}

	list, err := leases.List(ctx, metav1.ListOptions{LabelSelector: "app=x"})
	must(t, err)
	if len(list.Items) != 1 || number(t, list.ResourceVersion) < number(t, updated.ResourceVersion) {
		t.Fatalf("list of version %s: %+v", list.ResourceVersion, list.Items)
	}
	wantSame(t, "the listed one", &list.Items[0], updated)

	other := types.UID("other")
	err = leases.Delete(ctx, "full", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &other}})
	if !apierrors.IsConflict(err) {
		t.Errorf("a delete of another uid: %v", err)
	}
	must(t, leases.Delete(ctx, "full", *metav1.NewPreconditionDeleteOptions(string(made.UID))))
	if _, err := leases.Get(ctx, "full", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("after the delete: %v", err)
	}

	for index := range 3 {
		create(t, leases, lease(fmt.Sprint("l", index), "one"))
	}
	must(t, leases.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name!=l1"}))
	list, err = leases.List(ctx, metav1.ListOptions{})
	must(t, err)
	if len(list.Items) != 1 || list.Items[0].Name != "l1" {
		t.Errorf("left: %+v", list.Items)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	ctx, leases := t.Context(), leasesIn(t, in(admin(t), protobuf))
	all := []string{metav1.DryRunAll}
	_, err := leases.Create(ctx, lease("a", "one"), metav1.CreateOptions{DryRun: all})
	must(t, err)
	if _, err := leases.Get(ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("after a dry create: %v", err)
	}
	made := create(t, leases, lease("a", "one"))
	changed := made.DeepCopy()
	changed.Spec.HolderIdentity = new("two")
	dry, err := leases.Update(ctx, changed, metav1.UpdateOptions{DryRun: all})
	must(t, err)
	if *dry.Spec.HolderIdentity != "two" {
		t.Errorf("a dry update answers with %q", *dry.Spec.HolderIdentity)
	}
	must(t, leases.Delete(ctx, "a", metav1.DeleteOptions{DryRun: all}))
	read, err := leases.Get(ctx, "a", metav1.GetOptions{})
	must(t, err)
	wantSame(t, "the lease", read, made)
}

func TestPatches(t *testing.T) {
	ctx, leases := t.Context(), leasesIn(t, in(admin(t), protobuf))
	create(t, leases, lease("a", "one"))
	for kind, patch := range map[types.PatchType]string{
		types.JSONPatchType:           `[{"op":"replace","path":"/spec/holderIdentity","value":"%s"}]`,
		types.MergePatchType:          `{"spec":{"holderIdentity":"%s"}}`,
		types.StrategicMergePatchType: `{"spec":{"holderIdentity":"%s"}}`,
		types.ApplyYAMLPatchType:      "apiVersion: coordination.k8s.io/v1\nkind: Lease\nspec: {holderIdentity: %s}\n",
	} {
		options, wanted := metav1.PatchOptions{FieldManager: "test"}, strings.ReplaceAll(string(kind), "/", ".")
		if kind == types.ApplyYAMLPatchType {
			options.Force = new(true)
		}
		patched, err := leases.Patch(ctx, "a", kind, fmt.Appendf(nil, patch, wanted), options)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		} else if *patched.Spec.HolderIdentity != wanted || *patched.Spec.LeaseDurationSeconds != 15 {
			t.Errorf("%s: %+v", kind, patched.Spec)
		}
	}
	stale := []byte(`{"metadata":{"resourceVersion":"1"},"spec":{"holderIdentity":"x"}}`)
	if _, err := leases.Patch(ctx, "a", types.MergePatchType, stale, metav1.PatchOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("a patch of an older version: %v", err)
	}
}

// Eight writers, ten increments each, and none is lost.
func TestRetryOnConflict(t *testing.T) {
	const writers, each = 8, 10
	ctx, leases := t.Context(), leasesIn(t, in(admin(t), protobuf))
	create(t, leases, lease("counter", "one"))
	backoff := wait.Backoff{Steps: 1000, Duration: 5 * time.Millisecond, Factor: 1, Jitter: 1}
	increment := func() error {
		read, err := leases.Get(ctx, "counter", metav1.GetOptions{})
		if err != nil {
			return err
		}
		*read.Spec.LeaseTransitions++
		_, err = leases.Update(ctx, read, metav1.UpdateOptions{})
		return err
	}
	results := make(chan error, writers)
	for range writers {
		go func() {
			var err error
			for range each {
				if err == nil {
					err = retry.RetryOnConflict(backoff, increment)
				}
			}
			results <- err
		}()
	}
	for range writers {
		must(t, <-results)
	}
	read, err := leases.Get(ctx, "counter", metav1.GetOptions{})
	must(t, err)
	if *read.Spec.LeaseTransitions != writers*each {
		t.Errorf("%d increments are left of %d", *read.Spec.LeaseTransitions, writers*each)
	}
}

// wantSame compares as Kubernetes does: an empty map is no map, and equal moments are equal times.
func wantSame(t *testing.T, what string, got, want any) {
	t.Helper()
	if !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("%s differs:\n got %+v\nwant %+v", what, got, want)
	}
}

// inMicroseconds cuts the times to what the JSON form of a MicroTime can say.
func inMicroseconds(spec coordinationv1.LeaseSpec) coordinationv1.LeaseSpec {
	for _, each := range []**metav1.MicroTime{&spec.AcquireTime, &spec.RenewTime} {
		if *each != nil {
			*each = new(metav1.NewMicroTime((*each).Truncate(time.Microsecond)))
		}
	}
	return spec
}
