"""kubectl apply, on either side, and diff."""

from harness import Kubectl, Result, equal, lease, many, scenario


def apply(k: Kubectl, body: dict, *flags: str, code: int = 0) -> Result:
    return k("apply", "-f", k.file("applied.json", body), *flags, code=code)


def server_side(k: Kubectl, body: dict, manager: str, *flags: str, code: int = 0) -> Result:
    return apply(k, body, "--server-side", f"--field-manager={manager}", *flags, code=code)


@scenario
def apply_creates_then_configures(k: Kubectl) -> None:
    name = "lease.coordination.k8s.io/a"
    equal(apply(k, lease("a", labels={"app": "x"})).out, f"{name} created\n", "the first")
    equal(apply(k, lease("a", labels={"app": "x"})).out, f"{name} unchanged\n", "the same again")
    equal(apply(k, lease("a", "holder-2", labels={"app": "x"})).out, f"{name} configured\n", "another holder")
    k("apply", "view-last-applied", "lease", "a").says("holderIdentity: holder-2")


@scenario
def apply_removes_what_the_file_no_longer_has(k: Kubectl) -> None:
    apply(k, lease("a", labels={"app": "x", "tier": "one"}))
    k("label", "lease", "a", "mine=kept")
    shorter = lease("a", labels={"app": "x"})
    del shorter["spec"]["leaseDurationSeconds"]
    apply(k, shorter).says("configured")
    read = k("get", "lease", "a", "-o", "json").json()
    equal(read["metadata"]["labels"], {"app": "x", "mine": "kept"}, "labels")
    equal(read["spec"], {"holderIdentity": "holder-1"}, "spec")


@scenario
def apply_takes_a_list(k: Kubectl) -> None:
    both = many(lease("a"), lease("b"))
    names = [f"lease.coordination.k8s.io/{name}" for name in "ab"]
    equal(apply(k, both).out.splitlines(), [f"{name} created" for name in names], "the first")
    equal(apply(k, both).out.splitlines(), [f"{name} unchanged" for name in names], "the same again")
    equal(server_side(k, many(lease("c"), lease("d")), "one").out.count("serverside-applied"), 2, "applied")


@scenario
def apply_without_doing_it(k: Kubectl) -> None:
    apply(k, lease("a"), "--dry-run=server").matches(r"\S+/a created \(server dry run\)")
    k("get", "lease", "a", code=1)
    apply(k, lease("a"))
    apply(k, lease("a", "holder-2"), "--dry-run=server").matches(r"\S+/a configured \(server dry run\)")
    k("get", "lease", "a", "-o", "jsonpath={.spec.holderIdentity}").matches("holder-1")


@scenario
def apply_adopts_what_was_created(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    apply(k, lease("a", "holder-2")).complains("missing the kubectl.kubernetes.io/last-applied-configuration annotation")
    k("get", "lease", "a", "-o", "jsonpath={.spec.holderIdentity}").matches("holder-2")


@scenario
def apply_prunes_by_label(k: Kubectl) -> None:
    kind = "--prune-allowlist=coordination.k8s.io/v1/Lease"
    first = many(lease("a", labels={"set": "x"}), lease("b", labels={"set": "x"}))
    apply(k, first, "--prune", "-l", "set=x", kind)
    apply(k, lease("a", labels={"set": "x"}), "--prune", "-l", "set=x", kind).says("lease.coordination.k8s.io/b pruned")
    k("get", "leases", "-o", "jsonpath={.items[*].metadata.name}").matches("a")


@scenario
def apply_on_the_server_tells_conflicts(k: Kubectl) -> None:
    equal(server_side(k, lease("a"), "one").out, "lease.coordination.k8s.io/a serverside-applied\n", "output")
    refused = server_side(k, lease("a", "holder-2"), "two", code=1)
    refused.complains('Apply failed with 1 conflict: conflict with "one": .spec.holderIdentity', "--force-conflicts")
    both = server_side(k, lease("a", "holder-2", 20), "two", code=1)
    both.complains('Apply failed with 2 conflicts: conflicts with "one":', ".spec.leaseDurationSeconds")
    k("get", "lease", "a", "-o", "jsonpath={.spec.holderIdentity}").matches("holder-1")
    server_side(k, lease("a", "holder-2"), "two", "--force-conflicts").says("serverside-applied")
    server_side(k, lease("a"), "one", code=1).complains('conflict with "two": .spec.holderIdentity')
    fields = k("get", "lease", "a", "--show-managed-fields", "-o", "json").json()["metadata"]["managedFields"]
    equal({entry["manager"]: entry["operation"] for entry in fields}, {"one": "Apply", "two": "Apply"}, "managers")


@scenario
def apply_on_the_server_removes_what_nobody_wants(k: Kubectl) -> None:
    server_side(k, lease("a", labels={"one": "1", "both": "2"}), "one")
    shared = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a", "labels": {"both": "2"}}}
    server_side(k, shared, "two")
    server_side(k, lease("a"), "one")
    labels = k("get", "lease", "a", "-o", "json").json()["metadata"]["labels"]
    equal(labels, {"both": "2"}, "labels: the other manager still wants one of them")


@scenario
def apply_on_the_server_after_apply_on_the_client(k: Kubectl) -> None:
    apply(k, lease("a", labels={"app": "x"}))
    apply(k, lease("a", "holder-2"), "--server-side").says("serverside-applied")
    read = k("get", "lease", "a", "--show-managed-fields", "-o", "json").json()
    equal(read["metadata"].get("labels"), None, "the label that only the first file had")
    managers = {entry["manager"] for entry in read["metadata"]["managedFields"]}
    equal("kubectl-client-side-apply" in managers, False, "the client's entry is still there")


@scenario
def diff_shows_what_apply_would_change(k: Kubectl) -> None:
    apply(k, lease("a"))
    equal(k("diff", "-f", k.file("same.json", lease("a"))).out, "", "difference to the same")
    changed = k.file("changed.json", lease("a", "holder-2"))
    k("diff", "-f", changed, code=1).says("\n-  holderIdentity: holder-1\n+  holderIdentity: holder-2\n")
    k("diff", "--server-side", "--force-conflicts", "-f", changed, code=1).says("+  holderIdentity: holder-2\n")
    k("diff", "-f", k.file("new.json", lease("new")), code=1).says("+  name: new\n")
    k("get", "lease", "a", "-o", "jsonpath={.spec.holderIdentity}").matches("holder-1")
