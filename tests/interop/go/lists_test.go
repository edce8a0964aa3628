package interop

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/pager"
	"k8s.io/utils/ptr"
)

// All pages are of the moment of the first, whatever is written meanwhile.
func TestPagesAreOfOneMoment(t *testing.T) {
	const count, limit = 250, 60
	ctx, leases := t.Context(), leasesIn(t, in(admin(t), protobuf))
	var before []string
	for index := range count {
		made := create(t, leases, lease(fmt.Sprintf("l%03d", index), "one"))
		before = append(before, made.Name+"@"+made.ResourceVersion)
	}
	var seen []string
	options, version := metav1.ListOptions{Limit: limit}, ""
	for page := 0; ; page++ {
		list, err := leases.List(ctx, options)
		must(t, err)
		version = cmp.Or(version, list.ResourceVersion)
		if list.ResourceVersion != version {
			t.Errorf("page %d is of version %s, the first of %s", page, list.ResourceVersion, version)
		}
		seen = append(seen, namesAndVersions(list.Items)...)
		if list.Continue == "" {
			break
		}
		if left := ptr.Deref(list.RemainingItemCount, -1); left != int64(count-len(seen)) {
			t.Errorf("after page %d there are %d left, it says %d", page, count-len(seen), left)
		}
		options.Continue = list.Continue
		disturb(t, leases, page)
	}
	wantSame(t, "pages", seen, before)

	exact := metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact}
	list, err := leases.List(ctx, exact)
	must(t, err)
	wantSame(t, "the list at that version", namesAndVersions(list.Items), before)
	testPager(t, leases)
}

// disturb creates, changes and deletes, on pages that were read and that are still to be read.
func disturb(t *testing.T, leases coordinationclient.LeaseInterface, page int) {
	t.Helper()
	for _, index := range []int{page, 249 - page} {
		must(t, leases.Delete(t.Context(), fmt.Sprintf("l%03d", index), metav1.DeleteOptions{}))
	}
	for _, index := range []int{20 + page, 220 - page} {
		read, err := leases.Get(t.Context(), fmt.Sprintf("l%03d", index), metav1.GetOptions{})
		must(t, err)
		read.Spec.HolderIdentity = new("two")
		_, err = leases.Update(t.Context(), read, metav1.UpdateOptions{})
		must(t, err)
	}
	create(t, leases, lease(fmt.Sprintf("l249x%d", page), "new"))
}

func testPager(t *testing.T, leases coordinationclient.LeaseInterface) {
	t.Helper()
	whole, err := leases.List(t.Context(), metav1.ListOptions{})
	must(t, err)
	var paged []string
	pages := pager.New(pager.SimplePageFunc(func(options metav1.ListOptions) (runtime.Object, error) {
		return leases.List(t.Context(), options)
	}))
	pages.PageSize = 33
	must(t, pages.EachListItem(t.Context(), metav1.ListOptions{}, func(object runtime.Object) error {
		paged = append(paged, namesAndVersions([]coordinationv1.Lease{*object.(*coordinationv1.Lease)})...)
		return nil
	}))
	wantSame(t, "what the pager read", paged, namesAndVersions(whole.Items))
}

// A streaming list: what there is, then the bookmark that says so, then what happens.
func TestStreamingList(t *testing.T) {
	for name, contentType := range map[string]string{"json": json, "protobuf": protobuf} {
		t.Run(name, func(t *testing.T) {
			testStreamingList(t, leasesIn(t, in(admin(t), contentType)))
		})
	}
}

func testStreamingList(t *testing.T, leases coordinationclient.LeaseInterface) {
	var wanted, initial []string
	for _, name := range []string{"a", "b", "c"} {
		wanted = append(wanted, name+"@"+create(t, leases, lease(name, "one")).ResourceVersion)
	}
	events, err := leases.Watch(t.Context(), metav1.ListOptions{
		SendInitialEvents: new(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true,
	})
	must(t, err)
	defer events.Stop()
	event := next(t, events)
	for ; event.Type == watch.Added; event = next(t, events) {
		initial = append(initial, namesAndVersions([]coordinationv1.Lease{*event.Object.(*coordinationv1.Lease)})...)
	}
	slices.Sort(initial)
	wantSame(t, "the initial events", initial, wanted)
	end, ok := event.Object.(*coordinationv1.Lease)
	if event.Type != watch.Bookmark || !ok || end.Annotations[metav1.InitialEventsAnnotationKey] != "true" {
		t.Fatalf("after the initial events: %+v", event)
	}
	made := create(t, leases, lease("d", "one"))
	if number(t, end.ResourceVersion) >= number(t, made.ResourceVersion) {
		t.Errorf("the bookmark is at %s, before version %s was made", end.ResourceVersion, made.ResourceVersion)
	}
	event = next(t, events)
	wantSame(t, "the event after it", event.Object, made)
}

// A watch that saw nothing learns before its end how far it may go on from.
func TestBookmarkBeforeTheTimeout(t *testing.T) {
	client := clientset(t, in(admin(t), protobuf)).CoordinationV1()
	quiet, busy := client.Leases(namespace(t)), client.Leases(namespace(t))
	list, err := quiet.List(t.Context(), metav1.ListOptions{})
	must(t, err)
	events, err := quiet.Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: list.ResourceVersion, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(3)),
	})
	must(t, err)
	defer events.Stop()
	elsewhere := create(t, busy, lease("a", "one"))
	bookmark := next(t, events)
	if bookmark.Type != watch.Bookmark {
		t.Fatalf("event: %+v", bookmark)
	}
	version := bookmark.Object.(*coordinationv1.Lease).ResourceVersion
	if number(t, version) < number(t, elsewhere.ResourceVersion) {
		t.Errorf("the bookmark is at %s, but %s was written long before", version, elsewhere.ResourceVersion)
	}
	for event := range events.ResultChan() {
		if event.Type != watch.Bookmark {
			t.Errorf("event: %+v", event)
		}
	}
}

// next is the next event; none within waitMax, or the end of the watch, fails the test.
func next(t *testing.T, events watch.Interface) watch.Event {
	t.Helper()
	select {
	case event, ok := <-events.ResultChan():
		if !ok {
			t.Fatal("the watch ended")
		}
		if event.Type == watch.Error {
			t.Fatalf("the watch failed: %+v", event.Object)
		}
		return event
	case <-time.After(waitMax):
		t.Fatalf("no event within %v", waitMax)
	}
	panic("unreachable")
}

func namesAndVersions(leases []coordinationv1.Lease) []string {
	var found []string
	for _, each := range leases {
		found = append(found, each.Name+"@"+each.ResourceVersion)
	}
	return found
}
