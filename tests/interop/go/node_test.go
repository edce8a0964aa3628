package interop

import (
	"context"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	leasecontroller "k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

const nodeName = "n1"

// registered makes the node as its own user, as kubelet does, and removes it after the test.
func registered(t *testing.T, node *kubernetes.Clientset) *corev1.Node {
	t.Helper()
	made, err := node.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName, Labels: map[string]string{"kubernetes.io/hostname": nodeName}},
	}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		all := clientset(t, admin(t))
		if err := all.CoreV1().Nodes().Delete(context.Background(), nodeName, metav1.DeleteOptions{}); err != nil {
			t.Errorf("the node cannot be deleted: %v", err)
		}
		leases := all.CoordinationV1().Leases(corev1.NamespaceNodeLease)
		if err := leases.Delete(context.Background(), nodeName, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("the node's lease cannot be deleted: %v", err)
		}
	})
	return made
}

// The controller that kubelet renews its lease with, as the node's user: it creates, renews, and creates again.
func TestNodeLease(t *testing.T) {
	node := clientset(t, in(config(t, nodeVariable), protobuf))
	owner := registered(t, node)
	leases := clientset(t, admin(t)).CoordinationV1().Leases(corev1.NamespaceNodeLease)
	events, err := leases.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + nodeName})
	must(t, err)
	defer events.Stop()

	own := func(lease *coordinationv1.Lease) error {
		lease.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: owner.Name, UID: owner.UID}}
		return nil
	}
	controller := leasecontroller.NewController(
		clock.RealClock{}, node, nodeName, 40, func() {}, 200*time.Millisecond, nodeName, corev1.NamespaceNodeLease, own)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		controller.Run(ctx)
	}()
	defer func() { stop(); <-ended }()

	made := nextLease(t, events, watch.Added)
	if *made.Spec.HolderIdentity != nodeName || *made.Spec.LeaseDurationSeconds != 40 || made.OwnerReferences[0].UID != owner.UID {
		t.Errorf("lease: %+v", made)
	}
	last := made
	for range 3 {
		renewed := nextLease(t, events, watch.Modified)
		if !renewed.Spec.RenewTime.After(last.Spec.RenewTime.Time) || renewed.UID != made.UID {
			t.Errorf("renewed from %+v to %+v", last.Spec, renewed.Spec)
		}
		last = renewed
	}
	must(t, leases.Delete(t.Context(), nodeName, metav1.DeleteOptions{}))
	for {
		event := next(t, events)
		if event.Type == watch.Added {
			if again := event.Object.(*coordinationv1.Lease); again.UID == made.UID {
				t.Errorf("the new lease has the uid of the old one")
			}
			return
		}
	}
}

// As kubelet reports: a strategic merge patch of the status, whose conditions merge by type.
func TestNodeStatus(t *testing.T) {
	node := clientset(t, in(config(t, nodeVariable), protobuf))
	registered(t, node)
	patch := func(condition, status string) *corev1.Node {
		body := `{"status":{"conditions":[{"type":"` + condition + `","status":"` + status + `"}]}}`
		patched, err := node.CoreV1().Nodes().PatchStatus(t.Context(), nodeName, []byte(body))
		must(t, err)
		return patched
	}
	patch("Ready", "False")
	patch("DiskPressure", "False")
	got := map[corev1.NodeConditionType]corev1.ConditionStatus{}
	for _, each := range patch("Ready", "True").Status.Conditions {
		got[each.Type] = each.Status
	}
	wantSame(t, "conditions", got, map[corev1.NodeConditionType]corev1.ConditionStatus{"Ready": "True", "DiskPressure": "False"})
	events, err := node.CoreV1().Nodes().Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + nodeName})
	must(t, err)
	defer events.Stop()
	if event := next(t, events); event.Object.(*corev1.Node).Name != nodeName {
		t.Errorf("event: %+v", event)
	}
}

// A node may touch what is its own and nothing else.
func TestNodeIsForbiddenTheRest(t *testing.T) {
	ctx, ns := t.Context(), namespace(t)
	node := clientset(t, in(config(t, nodeVariable), protobuf))
	other, apps := node.CoordinationV1().Leases(corev1.NamespaceNodeLease), node.CoordinationV1().Leases(ns)
	for what, try := range map[string]func() error{
		"get another's lease":    func() error { _, err := other.Get(ctx, "n2", metav1.GetOptions{}); return err },
		"create another's lease": func() error { _, err := other.Create(ctx, lease("n2", "n2"), metav1.CreateOptions{}); return err },
		"delete another's lease": func() error { return other.Delete(ctx, "n2", metav1.DeleteOptions{}) },
		"list the leases":        func() error { _, err := other.List(ctx, metav1.ListOptions{}); return err },
		"create a lease":         func() error { _, err := apps.Create(ctx, lease("a", "n1"), metav1.CreateOptions{}); return err },
		"delete another node":    func() error { return node.CoreV1().Nodes().Delete(ctx, "n2", metav1.DeleteOptions{}) },
		"patch another node": func() error {
			_, err := node.CoreV1().Nodes().Patch(ctx, "n2", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{})
			return err
		},
		"list namespaces": func() error { _, err := node.CoreV1().Namespaces().List(ctx, metav1.ListOptions{}); return err },
	} {
		err := try()
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), nodeName) {
			t.Errorf("%s: %v", what, err)
		}
	}
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: "allowed"},
		InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: nodeName},
		Reason:         "Starting", Message: "hello", Type: "Normal",
	}
	_, err := node.CoreV1().Events("default").Create(ctx, event, metav1.CreateOptions{})
	must(t, err)
	must(t, clientset(t, admin(t)).CoreV1().Events("default").Delete(ctx, event.Name, metav1.DeleteOptions{}))
}

func nextLease(t *testing.T, events watch.Interface, kind watch.EventType) *coordinationv1.Lease {
	t.Helper()
	event := next(t, events)
	if event.Type != kind {
		t.Fatalf("event %s, wanted %s: %+v", event.Type, kind, event.Object)
	}
	return event.Object.(*coordinationv1.Lease)
}
