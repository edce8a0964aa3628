package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/features"
	featurestesting "k8s.io/client-go/features/testing"
	"k8s.io/client-go/informers"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/cache"
)

const (
	writers     = 8
	writingTime = 2 * time.Second
	namesEach   = 5
)

// change is one write to a name, or one event about it. A deletion's version is not known to who deletes.
type change struct {
	Kind    watch.EventType
	Version string
}

// history has the changes of each name in their order.
type history struct {
	mutex sync.Mutex
	of    map[string][]change
	count int
}

func (h *history) add(name string, kind watch.EventType, version string) {
	if kind == watch.Deleted {
		version = ""
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.of == nil {
		h.of = map[string][]change{}
	}
	h.of[name] = append(h.of[name], change{kind, version})
	h.count++
}

func (h *history) size() int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.count
}

// write creates, updates and deletes at random for a while, from many goroutines. Every name has one writer, so that the
// order of its changes is known.
func write(t *testing.T, leases coordinationclient.LeaseInterface) *history {
	t.Helper()
	var done history
	ctx, stop := context.WithTimeout(t.Context(), writingTime)
	defer stop()
	failures := make(chan error, writers)
	for writer := range writers {
		go func() {
			current := map[string]*coordinationv1.Lease{}
			for ctx.Err() == nil {
				name := fmt.Sprintf("w%d-%d", writer, rand.IntN(namesEach))
				if err := writeOnce(t.Context(), leases, name, current, &done); err != nil {
					failures <- fmt.Errorf("%s: %w", name, err)
					return
				}
			}
			failures <- nil
		}()
	}
	for range writers {
		must(t, <-failures)
	}
	if done.count < 100 {
		t.Fatalf("only %d writes in %v", done.count, writingTime)
	}
	return &done
}

func writeOnce(
	ctx context.Context, leases coordinationclient.LeaseInterface, name string, current map[string]*coordinationv1.Lease, done *history,
) error {
	was := current[name]
	switch {
	case was == nil:
		made, err := leases.Create(ctx, lease(name, "one"), metav1.CreateOptions{})
		if err != nil {
			return err
		}
		current[name] = made
		done.add(name, watch.Added, made.ResourceVersion)
	case rand.IntN(4) == 0:
		if err := leases.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		delete(current, name)
		done.add(name, watch.Deleted, "")
	default:
		*was.Spec.LeaseTransitions++
		updated, err := leases.Update(ctx, was, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
		current[name] = updated
		done.add(name, watch.Modified, updated.ResourceVersion)
	}
	return nil
}

// An informer sees every change of every name in its order, whichever way it lists first, and then knows what a list says.
func TestSharedInformer(t *testing.T) {
	for name, streaming := range map[string]bool{"list and watch": false, "streaming list": true} {
		t.Run(name, func(t *testing.T) {
			featurestesting.SetFeatureDuringTest(t, features.WatchListClient, streaming)
			var sent requests
			testSharedInformer(t, &sent)
			wantOneWatch(t, sent.all(), streaming)
		})
	}
}

func testSharedInformer(t *testing.T, sent *requests) {
	ns := namespace(t)
	leases := clientset(t, in(admin(t), protobuf)).CoordinationV1().Leases(ns)
	var before, seen history
	for index := range 20 {
		made := create(t, leases, lease(fmt.Sprint("before-", index), "one"))
		before.add(made.Name, watch.Added, made.ResourceVersion)
	}

	factory := informers.NewSharedInformerFactoryWithOptions(
		clientset(t, sent.of(admin(t))), 0, informers.WithNamespace(ns))
	informer := factory.Coordination().V1().Leases()
	registration, err := informer.Informer().AddEventHandler(noteIn(&seen))
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer factory.Shutdown()
	defer stop()
	factory.StartWithContext(ctx)
	syncing, giveUp := context.WithTimeout(ctx, waitMax)
	defer giveUp()
	if !cache.WaitForCacheSync(syncing.Done(), registration.HasSynced) {
		t.Fatalf("not synced after %v", waitMax)
	}
	wantSame(t, "what was there before", seen.of, before.of)

	done := write(t, leases)
	eventually(t, func() string {
		if want, got := before.count+done.count, seen.size(); got < want {
			return fmt.Sprintf("%d events of %d", got, want)
		}
		return ""
	})
	for name, changes := range done.of {
		wantSame(t, "events of "+name, seen.of[name], changes)
	}
	list, err := leases.List(t.Context(), metav1.ListOptions{})
	must(t, err)
	cached, err := informer.Lister().Leases(ns).List(labels.Everything())
	must(t, err)
	if len(cached) != len(list.Items) {
		t.Errorf("%d in the cache, %d in the list", len(cached), len(list.Items))
	}
	for _, each := range list.Items {
		known, err := informer.Lister().Leases(ns).Get(each.Name)
		must(t, err)
		wantSame(t, "the cached "+each.Name, known, &each)
	}
}

func noteIn(seen *history) cache.ResourceEventHandler {
	note := func(kind watch.EventType, object any) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj // The informer missed the deletion and inferred it from a list: wantOneWatch tells.
		}
		lease := object.(*coordinationv1.Lease)
		seen.add(lease.Name, kind, lease.ResourceVersion)
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { note(watch.Added, object) },
		UpdateFunc: func(_, object any) { note(watch.Modified, object) },
		DeleteFunc: func(object any) { note(watch.Deleted, object) },
	}
}

// wantOneWatch checks that the informer had to ask once only, and in the way it should.
func wantOneWatch(t *testing.T, sent []exchange, streaming bool) {
	t.Helper()
	lists, watches, streams := 0, 0, 0
	for _, each := range sent {
		switch {
		case strings.Contains(each.query, "sendInitialEvents=true"):
			streams++
		case strings.Contains(each.query, "watch=true"):
			watches++
		default:
			lists++
		}
	}
	wanted := [3]int{1, 1, 0}
	if streaming {
		wanted = [3]int{0, 0, 1}
	}
	if got := [3]int{lists, watches, streams}; got != wanted {
		t.Errorf("lists, watches and streaming lists are %v, wanted %v: %+v", got, wanted, sent)
	}
}

// One watch has all changes, in the one order of their versions.
func TestWatchIsInOrder(t *testing.T) {
	for name, contentType := range map[string]string{"json": json, "protobuf": protobuf} {
		t.Run(name, func(t *testing.T) {
			leases := leasesIn(t, in(admin(t), contentType))
			list, err := leases.List(t.Context(), metav1.ListOptions{})
			must(t, err)
			events, err := leases.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
			must(t, err)
			defer events.Stop()
			done := write(t, leases)
			var seen history
			for last := uint64(0); seen.count < done.count; {
				event := next(t, events)
				lease := event.Object.(*coordinationv1.Lease)
				version := number(t, lease.ResourceVersion)
				if version <= last {
					t.Fatalf("version %d came after %d", version, last)
				}
				last = version
				seen.add(lease.Name, event.Type, lease.ResourceVersion)
			}
			wantSame(t, "what the watch told", seen.of, done.of)
		})
	}
}
