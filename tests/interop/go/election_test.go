package interop

import (
	"context"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"
)

// elector is client-go's, running; stop asks it to release, and ended is closed when it has.
type elector struct {
	stop         context.CancelFunc
	leads, ended chan struct{}
}

func startElector(t *testing.T, ns, identity, contentType string) *elector {
	t.Helper()
	client := clientset(t, in(admin(t), contentType))
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events(ns)})
	e := &elector{leads: make(chan struct{}), ended: make(chan struct{})}
	config := leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: ns, Name: "job"},
			Client:    client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{
				Identity:      identity,
				EventRecorder: broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: identity}),
			},
		},
		LeaseDuration:   4 * time.Second,
		RenewDeadline:   3 * time.Second,
		RetryPeriod:     200 * time.Millisecond,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(e.leads) },
			OnStoppedLeading: func() {},
		},
	}
	running, err := leaderelection.NewLeaderElector(config)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	go func() {
		defer close(e.ended)
		running.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-e.ended
		broadcaster.Shutdown()
	})
	return e
}

func (e *elector) waitUntilItLeads(t *testing.T) {
	t.Helper()
	select {
	case <-e.leads:
	case <-time.After(waitMax):
		t.Fatalf("it does not lead after %v", waitMax)
	}
}

// One leads; it stops and releases; the other takes over. Everything that the lease went through is what client-go writes.
func TestLeaderElection(t *testing.T) {
	ns := namespace(t)
	client := clientset(t, in(admin(t), protobuf))
	records, err := client.CoordinationV1().Leases(ns).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=job"})
	must(t, err)
	defer records.Stop()
	one := startElector(t, ns, "one", protobuf)
	one.waitUntilItLeads(t)
	two := startElector(t, ns, "two", json)

	created := nextRecord(t, records, watch.Added)
	wantRecord(t, created, "one", 4, 0)
	renewed := nextRecord(t, records, watch.Modified)
	wantRecord(t, renewed, "one", 4, 0)
	if !renewed.AcquireTime.Equal(created.AcquireTime) || !renewed.RenewTime.After(created.RenewTime.Time) {
		t.Errorf("renewed from %+v to %+v", created, renewed)
	}
	one.stop()
	<-one.ended
	two.waitUntilItLeads(t)

	released := renewed
	for *released.HolderIdentity == "one" {
		released = nextRecord(t, records, watch.Modified)
	}
	wantRecord(t, released, "", 1, 0)
	taken := nextRecord(t, records, watch.Modified)
	wantRecord(t, taken, "two", 4, 1)
	if !taken.AcquireTime.After(created.AcquireTime.Time) {
		t.Errorf("taken over at %v, created at %v", taken.AcquireTime, created.AcquireTime)
	}
	for _, message := range []string{"one became leader", "one stopped leading", "two became leader"} {
		wantEvent(t, client.CoreV1().Events(ns), message)
	}
}

func nextRecord(t *testing.T, records watch.Interface, kind watch.EventType) coordinationv1.LeaseSpec {
	t.Helper()
	event := next(t, records)
	if event.Type != kind {
		t.Fatalf("event %s, wanted %s: %+v", event.Type, kind, event.Object)
	}
	return event.Object.(*coordinationv1.Lease).Spec
}

func wantRecord(t *testing.T, got coordinationv1.LeaseSpec, holder string, seconds, transitions int32) {
	t.Helper()
	if ptr.Deref(got.HolderIdentity, "none") != holder ||
		ptr.Deref(got.LeaseDurationSeconds, -1) != seconds ||
		ptr.Deref(got.LeaseTransitions, -1) != transitions {
		t.Errorf("record %+v, wanted holder %q, %d s, %d transitions", got, holder, seconds, transitions)
	}
	if got.AcquireTime.IsZero() || got.RenewTime.IsZero() {
		t.Errorf("a time is missing: %+v", got)
	}
}

func wantEvent(t *testing.T, events typedcorev1.EventInterface, message string) {
	t.Helper()
	eventually(t, func() string {
		found, err := events.List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=Lease,involvedObject.name=job"})
		must(t, err)
		var seen []string
		for _, each := range found.Items {
			if each.Message == message && each.Reason == "LeaderElection" {
				return ""
			}
			seen = append(seen, each.Message)
		}
		return "no event says " + message + ", only: " + strings.Join(seen, ", ")
	})
}
