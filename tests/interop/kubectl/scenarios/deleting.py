"""kubectl delete."""

from harness import Kubectl, equal, lease, many, scenario


def names(k: Kubectl) -> str:
    return k("get", "leases", "-o", "jsonpath={.items[*].metadata.name}").out


def create(k: Kubectl, *wanted: str, **metadata: object) -> None:
    k("create", "-f", "-", stdin=many(*(lease(name, **metadata) for name in wanted)))


@scenario
def delete_by_name(k: Kubectl) -> None:
    create(k, "a", "b", "c")
    k("delete", "lease", "a").says('lease.coordination.k8s.io "a" deleted')
    k("delete", "lease/b", "-o", "name").matches(r"lease\.coordination\.k8s\.io/b")
    equal(names(k), "c", "left")
    k("delete", "lease", "nobody", code=1).complains(
        'Error from server (NotFound): leases.coordination.k8s.io "nobody" not found'
    )
    k("delete", "lease", "nobody", "--ignore-not-found")


@scenario
def delete_by_file(k: Kubectl) -> None:
    create(k, "a", "b")
    k("delete", "-f", k.file("a.json", lease("a"))).says('"a" deleted')
    equal(names(k), "b", "left")


@scenario
def delete_by_label(k: Kubectl) -> None:
    create(k, "a", "b", labels={"app": "x"})
    create(k, "c")
    k("delete", "leases", "-l", "app=x").says('"a" deleted', '"b" deleted')
    equal(names(k), "c", "left")
    equal(k("delete", "leases", "-l", "app=x").out, "No resources found\n", "when there is none")


@scenario
def delete_all(k: Kubectl) -> None:
    create(k, "a", "b", "c")
    equal(k("delete", "leases", "--all").out.count(" deleted"), 3, "deleted")
    equal(names(k), "", "left")


@scenario
def delete_raw_collection(k: Kubectl) -> None:
    create(k, "a", "b")
    k("delete", "--raw", f"/apis/coordination.k8s.io/v1/namespaces/{k.namespace}/leases")
    equal(names(k), "", "left")


@scenario
def delete_without_doing_it(k: Kubectl) -> None:
    create(k, "a")
    k("delete", "lease", "a", "--dry-run=server").says('"a" deleted', "(server dry run)")
    k("delete", "lease", "a", "--dry-run=client").says('"a" deleted', "(dry run)")
    equal(names(k), "a", "left")


def owned(k: Kubectl, name: str, owner: str) -> None:
    """A lease that names another one as its owner."""
    uid = k("get", "lease", owner, "-o", "jsonpath={.metadata.uid}").out
    reference = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "name": owner, "uid": uid, "blockOwnerDeletion": True}
    k("create", "-f", "-", stdin=lease(name, ownerReferences=[reference]))


@scenario
def delete_with_a_propagation(k: Kubectl) -> None:
    create(k, "a", "b", "c")
    for owner in "abc":
        owned(k, f"of-{owner}", owner)
    k("delete", "lease", "a", "--cascade=background").says('"a" deleted')
    k("wait", "--for=delete", "lease/of-a", "--timeout=25s")
    k("delete", "lease", "b", "--cascade=foreground").says('"b" deleted')
    k("get", "lease", "of-b", code=1).complains("NotFound")
    k("delete", "lease", "c", "--cascade=orphan").says('"c" deleted')
    equal(names(k), "of-c", "left")
    equal(k("get", "lease", "of-c", "-o", "jsonpath={.metadata.ownerReferences}").out, "", "owners of an orphan")


@scenario
def delete_waits_for_finalizers(k: Kubectl) -> None:
    create(k, "a", finalizers=["example.com/hold"])
    with k.start("delete", "lease", "a") as deleting:
        deleting.wait_for('"a" deleted')
        k("get", "lease", "a", "-o", "jsonpath={.metadata.deletionTimestamp}").says("T")
        k("patch", "lease", "a", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
        equal(deleting.end(), 0, "exit code")
    equal(names(k), "", "left")
    create(k, "b", finalizers=["example.com/hold"])
    k("delete", "lease", "b", "--timeout=1s", code=1).complains("timed out waiting for the condition")
    k("patch", "lease", "b", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
