package interop

import (
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"
)

// about is the lease that events are about, which has to be in a namespace.
func about(t *testing.T, ns string) *coordinationv1.Lease {
	t.Helper()
	leases := clientset(t, admin(t)).CoordinationV1().Leases(ns)
	made := create(t, leases, lease("job", "one"))
	made.APIVersion, made.Kind = "coordination.k8s.io/v1", "Lease"
	return made
}

// The recorder of the core API posts an event and then counts it up by patches.
func TestCoreRecorder(t *testing.T) {
	ns := namespace(t)
	client := clientset(t, in(admin(t), protobuf))
	broadcaster := record.NewBroadcaster()
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events(ns)})
	recorder := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "test", Host: "here"})
	object := about(t, ns)
	for range 3 {
		recorder.Event(object, corev1.EventTypeWarning, "Hello", "three times")
	}
	eventually(t, func() string {
		found, err := client.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=Hello,source=test"})
		must(t, err)
		if len(found.Items) != 1 || found.Items[0].Count != 3 {
			return fmt.Sprintf("events: %+v", found.Items)
		}
		event := found.Items[0]
		if event.InvolvedObject.UID != object.UID || event.Type != "Warning" || event.Source.Host != "here" {
			t.Fatalf("event: %+v", event)
		}
		return ""
	})
	// The other API shows the same object by its other names.
	found, err := client.EventsV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "regarding.name=job"})
	must(t, err)
	if len(found.Items) != 1 || found.Items[0].Note != "three times" || found.Items[0].DeprecatedCount != 3 {
		t.Errorf("as events.k8s.io/v1: %+v", found.Items)
	}
}

// The recorder of events.k8s.io makes a series of what repeats.
func TestEventsRecorder(t *testing.T) {
	ns := namespace(t)
	client := clientset(t, in(admin(t), protobuf))
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	defer broadcaster.Shutdown()
	must(t, broadcaster.StartRecordingToSinkWithContext(t.Context()))
	recorder := broadcaster.NewRecorder(scheme.Scheme, "example.com/test")
	object := about(t, ns)
	post := func() { recorder.Eventf(object, nil, corev1.EventTypeNormal, "Hello", "Greet", "once and again") }
	list := func() []corev1.Event {
		found, err := client.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=job"})
		must(t, err)
		return found.Items
	}
	post()
	eventually(t, func() string {
		if found := list(); len(found) != 1 {
			return fmt.Sprintf("events: %+v", found)
		}
		return ""
	})
	post()
	eventually(t, func() string {
		found := list()
		if len(found) != 1 || found[0].Series == nil || found[0].Series.Count != 2 {
			return fmt.Sprintf("events: %+v", found)
		}
		return ""
	})
	event := list()[0]
	if event.ReportingController != "example.com/test" || event.Message != "once and again" || event.Action != "Greet" {
		t.Errorf("event: %+v", event)
	}
	if time.Since(event.EventTime.Time) > time.Minute || event.InvolvedObject.UID != object.UID {
		t.Errorf("event: %+v", event)
	}
}
