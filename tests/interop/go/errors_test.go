package interop

import (
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
)

// Every kind of refusal is what client-go's predicate for it knows, in both encodings.
func TestErrorsAreWhatTheyAre(t *testing.T) {
	for name, contentType := range map[string]string{"json": json, "protobuf": protobuf} {
		t.Run(name, func(t *testing.T) {
			config := in(admin(t), contentType)
			leases := leasesIn(t, config)
			made := create(t, leases, lease("a", "one"))
			for what, each := range refusals(t, leases, made) {
				if err := each.try(); !each.is(err) {
					t.Errorf("%s: %v", what, err)
				}
			}
			testInvalid(t, leases)
			testVersionOfTheFuture(t, clientset(t, config).CoordinationV1().RESTClient())
			testRawErrors(t, clientset(t, config).CoordinationV1().RESTClient())
		})
	}
}

type refusal struct {
	is  func(error) bool
	try func() error
}

func refusals(t *testing.T, leases coordinationclient.LeaseInterface, made *coordinationv1.Lease) map[string]refusal {
	ctx := t.Context()
	elsewhere := clientset(t, admin(t)).CoordinationV1().Leases("no-such-namespace")
	return map[string]refusal{
		"get a missing one": {apierrors.IsNotFound, func() error {
			_, err := leases.Get(ctx, "nobody", metav1.GetOptions{})
			return err
		}},
		"create in a missing namespace": {apierrors.IsNotFound, func() error {
			_, err := elsewhere.Create(ctx, lease("a", "one"), metav1.CreateOptions{})
			return err
		}},
		"create again": {apierrors.IsAlreadyExists, func() error {
			_, err := leases.Create(ctx, lease("a", "one"), metav1.CreateOptions{})
			return err
		}},
		"update an older version": {apierrors.IsConflict, func() error {
			stale := made.DeepCopy()
			stale.ResourceVersion, stale.Spec.HolderIdentity = "1", new("two")
			_, err := leases.Update(ctx, stale, metav1.UpdateOptions{})
			return err
		}},
		"update without a version": {apierrors.IsInvalid, func() error {
			blind := made.DeepCopy()
			blind.ResourceVersion = ""
			_, err := leases.Update(ctx, blind, metav1.UpdateOptions{})
			return err
		}},
		"a patch that is none": {apierrors.IsBadRequest, func() error {
			_, err := leases.Patch(ctx, "a", types.MergePatchType, []byte(`{`), metav1.PatchOptions{})
			return err
		}},
		"an unknown field selector": {apierrors.IsBadRequest, func() error {
			_, err := leases.List(ctx, metav1.ListOptions{FieldSelector: "spec.holderIdentity=one"})
			return err
		}},
	}
}

// The server waits a moment for the version to come and then says that a retry may help, which the client would do.
func testVersionOfTheFuture(t *testing.T, client rest.Interface) {
	t.Helper()
	request := client.Get().Resource("leases").Namespace("default").Param("resourceVersion", "900000000000000000")
	err := request.MaxRetries(0).Do(t.Context()).Error()
	if !apierrors.IsTimeout(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge) {
		t.Errorf("a version of the future: %v", err)
	}
	if seconds, ok := apierrors.SuggestsClientDelay(err); !ok || seconds != 1 {
		t.Errorf("it suggests %d s", seconds)
	}
}

// An invalid object is told with every field that is wrong.
func testInvalid(t *testing.T, leases coordinationclient.LeaseInterface) {
	t.Helper()
	wrong := lease("b", "one")
	wrong.Spec.LeaseDurationSeconds, wrong.Spec.LeaseTransitions = new(int32(0)), new(int32(-1))
	_, err := leases.Create(t.Context(), wrong, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) {
		t.Fatalf("an invalid lease: %v", err)
	}
	details := err.(apierrors.APIStatus).Status().Details
	var fields []string
	for _, cause := range details.Causes {
		fields = append(fields, cause.Field)
	}
	wantSame(t, "fields", fields, []string{"spec.leaseDurationSeconds", "spec.leaseTransitions"})
	if details.Kind != "Lease" || details.Name != "b" || details.Group != "coordination.k8s.io" {
		t.Errorf("details: %+v", details)
	}
}

// What a typed client cannot send.
func testRawErrors(t *testing.T, client rest.Interface) {
	t.Helper()
	path := "/apis/coordination.k8s.io/v1/namespaces/default/leases"
	try := func(request *rest.Request) error { return request.Do(t.Context()).Error() }
	for what, each := range map[string]struct {
		err error
		is  func(error) bool
	}{
		"PUT on a collection": {try(client.Put().AbsPath(path)), apierrors.IsMethodNotSupported},
		"a body of text": {
			try(client.Post().AbsPath(path).SetHeader("Content-Type", "text/plain").Body([]byte("x"))), apierrors.IsUnsupportedMediaType,
		},
		"a body too large": {
			try(client.Post().AbsPath(path).SetHeader("Content-Type", json).Body([]byte(`{"x":"` + strings.Repeat("x", 4<<20) + `"}`))),
			apierrors.IsRequestEntityTooLargeError,
		},
		"a reply of no type we have": {try(client.Get().AbsPath(path).SetHeader("Accept", "image/png")), apierrors.IsNotAcceptable},
		"a path that is none":        {try(client.Get().AbsPath("/apis/nowhere/v1/things")), apierrors.IsNotFound},
	} {
		if !each.is(each.err) {
			t.Errorf("%s: %v", what, each.err)
		}
	}
}

// Who shows nothing is anonymous, who shows something wrong is nobody.
func TestCredentials(t *testing.T) {
	anonymous := rest.AnonymousClientConfig(admin(t))
	anonymous.QPS = -1
	client := clientset(t, anonymous)
	if _, err := client.Discovery().ServerVersion(); err != nil {
		t.Errorf("the version, anonymously: %v", err)
	}
	_, err := client.CoordinationV1().Leases("default").List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `User "system:anonymous" cannot list resource "leases"`) {
		t.Errorf("a list, anonymously: %v", err)
	}
	anonymous.BearerToken = "wrong"
	_, err = clientset(t, anonymous).CoordinationV1().Leases("default").List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Errorf("a list with a wrong token: %v", err)
	}
}
