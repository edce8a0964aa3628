// Package interop runs Kubernetes' own Go client against a Leasehold.
//
// LEASEHOLD_INTEROP_KUBECONFIG names a kubeconfig with all rights, LEASEHOLD_INTEROP_NODE_KUBECONFIG one of the node n1;
// LEASEHOLD_INTEROP_TOKEN is a bearer token with all rights.
// They are not KUBECONFIG, so that nobody runs this against the cluster he works with by mistake. `cargo xtask interop`
// starts a server and sets them.
//
// Whatever can be known is compared: the writes that a test did with what watches and caches say about them.
package interop

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	adminVariable = "LEASEHOLD_INTEROP_KUBECONFIG"
	nodeVariable  = "LEASEHOLD_INTEROP_NODE_KUBECONFIG"
	tokenVariable = "LEASEHOLD_INTEROP_TOKEN"

	// waitMax bounds every wait for something that should happen soon. It is long because the machine may be busy.
	waitMax = 20 * time.Second

	protobuf = "application/vnd.kubernetes.protobuf"
	json     = "application/json"
)

func TestMain(m *testing.M) {
	if id := os.Getenv(replicaVariable); id != "" {
		replica(id)
		return
	}
	for _, name := range []string{adminVariable, nodeVariable, tokenVariable} {
		if os.Getenv(name) == "" {
			fmt.Fprintln(os.Stderr, name+" is not set; `cargo xtask interop` starts a server and sets it")
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

// config reads the kubeconfig that a variable names. The client's own rate limit is off: it would only slow tests down.
func config(t *testing.T, variable string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv(variable))
	must(t, err)
	config.QPS = -1
	config.Timeout = 0
	return config
}

// admin may do everything.
func admin(t *testing.T) *rest.Config {
	t.Helper()
	return config(t, adminVariable)
}

// in speaks one encoding in both directions; protobuf falls back to nothing.
func in(config *rest.Config, contentType string) *rest.Config {
	config = rest.CopyConfig(config)
	config.ContentType = contentType
	config.AcceptContentTypes = contentType
	return config
}

func clientset(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	return client
}

// namespace makes one for this test, and deletes it after it.
func namespace(t *testing.T) string {
	t.Helper()
	namespaces := clientset(t, admin(t)).CoreV1().Namespaces()
	wanted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "go-"}}
	made, err := namespaces.Create(t.Context(), wanted, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		if err := namespaces.Delete(context.Background(), made.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("the namespace cannot be deleted: %v", err)
		}
	})
	return made.Name
}

// leasesIn is a typed client for a namespace of this test's own.
func leasesIn(t *testing.T, config *rest.Config) coordinationclient.LeaseInterface {
	t.Helper()
	return clientset(t, config).CoordinationV1().Leases(namespace(t))
}

// lease is one that its holder has just taken.
func lease(name, holder string) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity:       new(holder),
			LeaseDurationSeconds: new(int32(15)),
			LeaseTransitions:     new(int32(0)),
			RenewTime:            new(metav1.NowMicro()),
		},
	}
}

func create(t *testing.T, leases coordinationclient.LeaseInterface, lease *coordinationv1.Lease) *coordinationv1.Lease {
	t.Helper()
	made, err := leases.Create(t.Context(), lease, metav1.CreateOptions{})
	must(t, err)
	return made
}

// number reads a resourceVersion as the number it is, since Kubernetes promises that they can be compared.
func number(t *testing.T, version string) uint64 {
	t.Helper()
	number, err := strconv.ParseUint(version, 10, 64)
	must(t, err)
	return number
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually asks again and again until the answer is "", which means that all is well; else it is the reason why not.
func eventually(t *testing.T, ask func() string) {
	t.Helper()
	deadline := time.Now().Add(waitMax)
	for {
		why := ask()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still not after %v: %s", waitMax, why)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// requests notes what a client sends and the type of what it gets, to show that nothing fell back to something else.
type requests struct {
	mutex sync.Mutex
	seen  []exchange
}

type exchange struct {
	method, path, query, sent, got string
}

func (r *requests) of(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper { return &noting{inner, r} })
	return config
}

func (r *requests) all() []exchange {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]exchange(nil), r.seen...)
}

type noting struct {
	inner    http.RoundTripper
	requests *requests
}

func (n *noting) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := n.inner.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	n.requests.mutex.Lock()
	defer n.requests.mutex.Unlock()
	n.requests.seen = append(n.requests.seen, exchange{
		request.Method, request.URL.Path, request.URL.RawQuery,
		request.Header.Get("Content-Type"), response.Header.Get("Content-Type"),
	})
	return response, nil
}
