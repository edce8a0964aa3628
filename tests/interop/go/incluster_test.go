package interop

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

const (
	// With this set, the test program is a replica of that name.
	replicaVariable   = "LEASEHOLD_INTEROP_REPLICA"
	namespaceVariable = "LEASEHOLD_INTEROP_NAMESPACE"

	// client-go knows one place for the files of a service account.
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

	// mountAccount puts the files there, for the program it becomes and for nobody else.
	mountAccount = `set -e
run=$(readlink -f /var/run)
mount -t tmpfs tmpfs "$run"
mkdir -p ` + serviceAccount + `
cp "$ACCOUNT"/* ` + serviceAccount + `
exec "$@"`
)

// replica is a program as one deploys it: the configuration of its pod, a lease with the usual durations, released when it
// is told to stop. Nothing in it knows of Leasehold.
func replica(id string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config, err := rest.InClusterConfig()
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Name: "replicas", Namespace: os.Getenv(namespaceVariable)},
		Client:     kubernetes.NewForConfigOrDie(config).CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: id},
	}
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock:            lock,
		ReleaseOnCancel: true,
		LeaseDuration:   15 * time.Second,
		RenewDeadline:   10 * time.Second,
		RetryPeriod:     2 * time.Second,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				fmt.Println("leads")
				<-ctx.Done()
			},
			OnStoppedLeading: func() { fmt.Println("stopped") },
			OnNewLeader:      func(leader string) { fmt.Println("follows", leader) },
		},
	})
}

// said is a line that a replica printed.
type said struct{ id, line string }

// Three replicas with the files and variables of a pod: one leads; when it is stopped, another does.
func TestReplicasInCluster(t *testing.T) {
	if out, err := exec.Command("unshare", "-Urm", "sh", "-c", "mount -t tmpfs tmpfs /tmp").CombinedOutput(); err != nil {
		t.Skipf("no mount namespace of our own to put a service account's files in: %s", strings.TrimSpace(string(out)))
	}
	ns := namespace(t)
	account := accountFiles(t)
	lines := make(chan said, 64)
	replicas := map[string]*exec.Cmd{}
	for _, id := range []string{"one", "two", "three"} {
		replicas[id] = startReplica(t, id, ns, account, lines)
	}
	first := waitForLeader(t, lines)
	leases := clientset(t, admin(t)).CoordinationV1().Leases(ns)
	// A leader that is stopped before its first renewal may fail to release: its own renewal comes in between.
	eventually(t, func() string {
		record, err := leases.Get(t.Context(), "replicas", metav1.GetOptions{})
		must(t, err)
		if record.Spec.RenewTime.After(record.Spec.AcquireTime.Time) {
			return ""
		}
		return "the leader has not renewed its lease"
	})
	must(t, replicas[first].Process.Signal(syscall.SIGTERM))
	second := waitForLeader(t, lines)
	if second == first {
		t.Fatalf("%s leads again after it was stopped", first)
	}
	record, err := leases.Get(t.Context(), "replicas", metav1.GetOptions{})
	must(t, err)
	wantRecord(t, record.Spec, second, 15, 1)
}

// accountFiles are those of a pod: a token and the server's CA.
func accountFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "token"), []byte(os.Getenv(tokenVariable)), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "ca.crt"), admin(t).CAData, 0o600))
	return dir
}

func startReplica(t *testing.T, id, ns, account string, lines chan<- said) *exec.Cmd {
	t.Helper()
	server, err := url.Parse(admin(t).Host)
	must(t, err)
	program, err := os.Executable()
	must(t, err)
	replica := exec.Command("unshare", "-Urm", "sh", "-c", mountAccount, "sh", program)
	replica.Env = append(os.Environ(),
		replicaVariable+"="+id, namespaceVariable+"="+ns, "ACCOUNT="+account,
		"KUBERNETES_SERVICE_HOST="+server.Hostname(), "KUBERNETES_SERVICE_PORT="+server.Port())
	replica.Stderr = os.Stderr
	stdout, err := replica.StdoutPipe()
	must(t, err)
	must(t, replica.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			lines <- said{id, scanner.Text()}
		}
	}()
	t.Cleanup(func() {
		_ = replica.Process.Kill()
		<-ended
		_ = replica.Wait()
	})
	return replica
}

// waitForLeader returns who leads next. Nobody else may say so before the leader has stopped.
func waitForLeader(t *testing.T, lines <-chan said) string {
	t.Helper()
	timeout := time.After(waitMax)
	for {
		select {
		case said := <-lines:
			switch {
			case said.line == "leads":
				return said.id
			case said.line != "stopped" && !strings.HasPrefix(said.line, "follows "):
				t.Fatalf("%s says %q", said.id, said.line)
			}
		case <-timeout:
			t.Fatalf("nobody leads after %v", waitMax)
		}
	}
}
