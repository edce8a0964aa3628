"""Namespaces, and what happens to the things in them."""

from harness import Kubectl, equal, lease, many, scenario


@scenario
def namespaces_are_there_from_the_start(k: Kubectl) -> None:
    listed = k("get", "ns")
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        equal(any(line.split()[:2] == [name, "Active"] for line in listed.out.splitlines()), True, f"{name} in {listed}")
    k("describe", "namespace", "default").says("Name:         default\n", "Status:       Active\n")
    k("delete", "namespace", "default", code=1).complains('namespaces "default" is forbidden')


@scenario
def namespace_goes_with_what_is_in_it(k: Kubectl) -> None:
    name = f"{k.namespace}-x"
    equal(k("create", "namespace", name).out, f"namespace/{name} created\n", "output")
    k("create", "namespace", name, code=1).complains(f'namespaces "{name}" already exists')
    k("create", "-f", "-", stdin=many(*(lease(x, namespace=name) for x in "abc")), *[f"--namespace={name}"])
    equal(k("delete", "namespace", name).out, f'namespace "{name}" deleted\n', "output")
    k("get", "namespace", name, code=1).complains("(NotFound)", f'namespaces "{name}" not found')
    equal(f" {name}/" in k("get", "leases", "-A", "-o", "jsonpath={range .items[*]} {.metadata.namespace}/{end}").out, False)
    k("create", "namespace", name)
    equal(k("get", "leases", f"--namespace={name}", "-o", "name").out, "", "leases of the new one")
    k("delete", "namespace", name)


@scenario
def namespace_waits_for_finalizers(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a", finalizers=["example.com/hold"]))
    k("delete", "namespace", k.namespace, "--wait=false")
    k("wait", f"namespace/{k.namespace}", "--for=jsonpath={.status.phase}=Terminating", "--timeout=20s")
    k("create", "-f", "-", stdin=lease("b"), code=1).complains(
        "(Forbidden)", f"unable to create new content in namespace {k.namespace} because it is being terminated"
    )
    k("patch", "lease", "a", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
    k("wait", f"namespace/{k.namespace}", "--for=delete", "--timeout=20s")


@scenario
def namespace_is_labelled_and_applied(k: Kubectl) -> None:
    k("get", "ns", k.namespace, "-o", r"jsonpath={.metadata.labels.kubernetes\.io/metadata\.name}").matches(k.namespace)
    k("label", "namespace", k.namespace, "team=x").says("labeled")
    k("get", "ns", "-l", "team=x", "-o", "name").says(f"namespace/{k.namespace}")
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": k.namespace, "annotations": {"note": "1"}}}
    k("apply", "--server-side", "-f", "-", stdin=body).says(f"namespace/{k.namespace} serverside-applied")
    k("get", "ns", k.namespace, "-o", "jsonpath={.metadata.annotations.note} {.metadata.labels.team}").matches("1 x")
