package interop

import (
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applyv1 "k8s.io/client-go/applyconfigurations/coordination/v1"
)

func TestServerSideApply(t *testing.T) {
	for name, contentType := range map[string]string{"json": json, "protobuf": protobuf} {
		t.Run(name, func(t *testing.T) {
			testServerSideApply(t, contentType)
		})
	}
}

func testServerSideApply(t *testing.T, contentType string) {
	ns := namespace(t)
	leases := clientset(t, in(admin(t), contentType)).CoordinationV1().Leases(ns)
	apply := func(manager, holder string, force bool) (*coordinationv1.Lease, error) {
		wanted := applyv1.Lease("a", ns).WithSpec(applyv1.LeaseSpec().WithHolderIdentity(holder))
		return leases.Apply(t.Context(), wanted, metav1.ApplyOptions{FieldManager: manager, Force: force})
	}
	made, err := apply("one", "first", false)
	must(t, err)
	again, err := apply("one", "first", false)
	must(t, err)
	wantSame(t, "the same applied again", again, made)

	_, err = apply("two", "second", false)
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "one"`) {
		t.Fatalf("another manager's other value: %v", err)
	}
	causes := err.(apierrors.APIStatus).Status().Details.Causes
	if len(causes) != 1 || causes[0].Type != metav1.CauseTypeFieldManagerConflict || causes[0].Field != ".spec.holderIdentity" {
		t.Errorf("causes: %+v", causes)
	}
	forced, err := apply("two", "second", true)
	must(t, err)

	mine, err := applyv1.ExtractLease(forced, "two")
	must(t, err)
	if mine.Spec == nil || mine.Spec.HolderIdentity == nil || *mine.Spec.HolderIdentity != "second" {
		t.Errorf("manager two owns %+v", mine.Spec)
	}
	lost, err := applyv1.ExtractLease(forced, "one")
	must(t, err)
	if lost.Spec != nil {
		t.Errorf("manager one still owns %+v", lost.Spec)
	}
	testDroppedField(t, made, forced, func() (*coordinationv1.Lease, error) {
		empty := applyv1.Lease("a", ns)
		return leases.Apply(t.Context(), empty, metav1.ApplyOptions{FieldManager: "two"})
	})
}

// What the last owner no longer applies is gone; the object is the same.
func testDroppedField(t *testing.T, made, before *coordinationv1.Lease, drop func() (*coordinationv1.Lease, error)) {
	t.Helper()
	after, err := drop()
	must(t, err)
	if after.Spec.HolderIdentity != nil || after.UID != made.UID {
		t.Errorf("%+v", after)
	}
	if number(t, after.ResourceVersion) <= number(t, before.ResourceVersion) {
		t.Errorf("version %s after %s", after.ResourceVersion, before.ResourceVersion)
	}
}
