"""Nodes as an administrator handles them, and lease candidates."""

from contextlib import contextmanager
from typing import Iterator

from harness import Kubectl, equal, scenario


@contextmanager
def node(k: Kubectl) -> Iterator[str]:
    """A node of this scenario's own, gone after it."""
    name = f"node-{k.namespace}"
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"mark": k.namespace, "node-role.kubernetes.io/edge": ""}},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "192.0.2.7"}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "osImage": "Some OS", "kernelVersion": "6.1", "machineID": "m"},
        },
    }
    k("create", "-f", "-", stdin=body).matches(rf"node/{name} created")
    try:
        yield name
    finally:
        k("delete", "node", name, "--wait=false", "--ignore-not-found")


@scenario
def nodes_are_listed(k: Kubectl) -> None:
    with node(k) as name:
        k("get", "nodes", "-l", f"mark={k.namespace}").matches(
            rf"NAME +STATUS +ROLES +AGE +VERSION\n{name} +Ready +edge +\S+ +v1\.36\.0"
        )
        k("get", "nodes", name, "-o", "wide").says("INTERNAL-IP", "192.0.2.7", "Some OS", "6.1")
        k("get", "no", name, "-o", "name").matches(f"node/{name}")
        k("get", "nodes", "--field-selector", f"metadata.name={name}", "-o", "name").matches(f"node/{name}")


@scenario
def nodes_are_labelled_and_annotated(k: Kubectl) -> None:
    with node(k) as name:
        k("label", "node", name, "zone=a").matches(f"node/{name} labeled")
        k("annotate", "node", name, "note=x").matches(f"node/{name} annotated")
        k("get", "node", name, "-o", "jsonpath={.metadata.labels.zone} {.metadata.annotations.note}").matches("a x")
        k("label", "node", name, "zone-").matches(f"node/{name} unlabeled")
        k("annotate", "node", name, "note-").says("annotated")


@scenario
def nodes_are_cordoned(k: Kubectl) -> None:
    with node(k) as name:
        k("cordon", name).matches(f"node/{name} cordoned")
        k("get", "node", name).says("Ready,SchedulingDisabled")
        k("cordon", name).says("already cordoned")
        k("uncordon", name).matches(f"node/{name} uncordoned")
        k("get", "node", name).lacks("SchedulingDisabled")


@scenario
def nodes_are_tainted(k: Kubectl) -> None:
    with node(k) as name:
        keys = ("get", "node", name, "-o", "jsonpath={.spec.taints[?(@.key=='dedicated')].effect}")
        k("taint", "node", name, "dedicated=db:NoSchedule").matches(f"node/{name} tainted")
        equal(k(*keys).out, "NoSchedule", "taint")
        k("taint", "node", name, "dedicated=web:NoSchedule", code=1).complains("already has dedicated taint(s)")
        k("taint", "node", name, "dedicated=web:NoSchedule", "--overwrite").says("modified")
        k("taint", "node", name, "dedicated:NoSchedule-").matches(f"node/{name} untainted")
        equal(k(*keys).out, "", "taint")


@scenario
def nodes_take_a_status(k: Kubectl) -> None:
    with node(k) as name:
        patch = '{"status":{"conditions":[{"type":"Ready","status":"False","reason":"x"}]}}'
        k("patch", "node", name, "--subresource=status", "--type=strategic", "-p", patch).says("patched")
        k("get", "node", name).says("NotReady")
        k("patch", "node", name, "--type=merge", "-p", '{"status":{"conditions":[]}}').says("no change")
        k("get", "node", name, "--subresource=status", "-o", "name").matches(f"node/{name}")


@scenario
def candidates_are_created_and_listed(k: Kubectl) -> None:
    body = {
        "apiVersion": "coordination.k8s.io/v1beta1",
        "kind": "LeaseCandidate",
        "metadata": {"name": "c"},
        "spec": {
            "leaseName": "job",
            "binaryVersion": "1.36.0",
            "emulationVersion": "1.35.0",
            "strategy": "OldestEmulationVersion",
        },
    }
    k("apply", "-f", "-", stdin=body).says("leasecandidate.coordination.k8s.io/c created").complains(
        "Warning: coordination.k8s.io/v1beta1 LeaseCandidate is deprecated"
    )
    k("get", "leasecandidates").matches(
        r"NAME +LEASENAME +BINARYVERSION +EMULATIONVERSION +AGE\nc +job +1\.36\.0 +1\.35\.0 +\S+"
    )
    k("get", "leasecandidates.v1alpha2.coordination.k8s.io", "c", "-o", "jsonpath={.apiVersion}").matches(
        r"coordination\.k8s\.io/v1alpha2"
    )
    k("patch", "leasecandidate", "c", "--type=merge", "-p", '{"spec":{"leaseName":"other"}}', code=1).complains("invalid")
    k("delete", "leasecandidate", "c").says('"c" deleted')
