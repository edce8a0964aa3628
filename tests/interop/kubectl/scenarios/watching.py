"""Watches and waits: what happens arrives."""

import json

from harness import Kubectl, equal, lease, scenario

NEW_HOLDER = '{"spec":{"holderIdentity":"holder-2"}}'


@scenario
def watch_shows_a_change_as_it_happens(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    with k.start("get", "leases", "-w") as watch:
        watch.wait_for(r"^a +holder-1 ")
        k("patch", "lease", "a", "--type=merge", "-p", NEW_HOLDER)
        watch.wait_for(r"^a +holder-2 ")
        k("create", "-f", "-", stdin=lease("b"))
        watch.wait_for(r"^b +holder-1 ")


@scenario
def watch_tells_what_kind_of_event(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    with k.start("get", "lease", "a", "-w", "--output-watch-events") as watch:
        watch.wait_for(r"^EVENT +NAME +HOLDER +AGE")
        watch.wait_for(r"^ADDED +a +holder-1 ")
        k("patch", "lease", "a", "--type=merge", "-p", NEW_HOLDER)
        watch.wait_for(r"^MODIFIED +a +holder-2 ")
        k("delete", "lease", "a")
        watch.wait_for(r"^DELETED +a +holder-2 ")


@scenario
def watch_only_leaves_out_what_was_there(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("before", labels={"app": "x"}))
    k("create", "-f", "-", stdin=lease("other"))
    with k.start("get", "leases", "--watch-only", "-l", "app=x", "-o", "name") as watch:
        # The watch has begun once it shows something, so change until it does.
        for number in range(300):
            k("label", "lease", "other", "before", f"number={number}", "--overwrite")
            if not watch.lines.empty():
                break
        line = watch.wait_for(".")
    equal(line, "lease.coordination.k8s.io/before", "first line")


@scenario
def watch_prints_objects(k: Kubectl) -> None:
    with k.start("get", "leases", "-w", "-o", "jsonpath={.metadata.name}={.spec.holderIdentity}{'\\n'}") as watch:
        k("create", "-f", "-", stdin=lease("a"))
        watch.wait_for("^a=holder-1$")
        k("patch", "lease", "a", "--type=merge", "-p", NEW_HOLDER)
        watch.wait_for("^a=holder-2$")


@scenario
def wait_for_a_value(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    with k.start("wait", "lease/a", "--for=jsonpath={.spec.holderIdentity}=holder-2", "--timeout=25s") as waiting:
        k("patch", "lease", "a", "--type=merge", "-p", NEW_HOLDER)
        waiting.wait_for("^lease.coordination.k8s.io/a condition met$")
        equal(waiting.end(), 0, "exit code")
    k("wait", "lease/a", "--for=jsonpath={.spec.holderIdentity}=holder-3", "--timeout=1s", code=1).complains(
        "timed out waiting for the condition on leases/a"
    )


@scenario
def wait_for_deletion(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    with k.start("wait", "lease/a", "--for=delete", "--timeout=25s") as waiting:
        k("delete", "lease", "a")
        equal(waiting.end(), 0, "exit code")


@scenario
def wait_for_creation(k: Kubectl) -> None:
    # Since kubectl 1.31.
    with k.start("wait", "lease/a", "--for=create", "--timeout=25s") as waiting:
        k("create", "-f", "-", stdin=lease("a"))
        equal(waiting.end(), 0, "exit code")


@scenario
def watch_by_name_and_raw(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    path = f"/apis/coordination.k8s.io/v1/namespaces/{k.namespace}/leases?watch=true&timeoutSeconds=1"
    events = [json.loads(line) for line in k("get", "--raw", path).out.splitlines()]
    equal([(e["type"], e["object"]["metadata"]["name"]) for e in events], [("ADDED", "a")], "events")
