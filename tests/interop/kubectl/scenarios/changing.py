"""edit, patch, label, annotate, replace."""

import re
from pathlib import Path

from harness import Kubectl, equal, lease, scenario


def holder(k: Kubectl) -> str:
    return k("get", "lease", "a", "-o", "jsonpath={.spec.holderIdentity}").out


@scenario
def edit_with_an_editor(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    edited = k("edit", "lease", "a", KUBE_EDITOR="sed -i s/holder-1/holder-2/")
    equal(edited.out, "lease.coordination.k8s.io/a edited\n", "output")
    equal(holder(k), "holder-2", "holder")
    k("edit", "lease", "a", KUBE_EDITOR="true").complains("Edit cancelled, no changes made.")
    refused = k("edit", "lease", "a", code=1, KUBE_EDITOR=r"sed -i s/^\ \ leaseDurationSeconds:.*/\ \ leaseDurationSeconds:\ -5/")
    refused.complains('leases.coordination.k8s.io "a" is invalid', "no valid changes were saved")
    # What is wrong is told where the user edits.
    kept = Path(re.search('stored to "(.*)"', refused.err)[1]).read_text()
    wanted = "# * spec.leaseDurationSeconds: Invalid value: -5: must be greater than 0"
    equal(wanted in kept.splitlines(), True, f"the line {wanted!r} in {kept}")


@scenario
def patch_in_three_ways(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a", labels={"app": "x"}))
    for kind, patch, wanted in [
        ("merge", '{"spec":{"holderIdentity":"merged"},"metadata":{"labels":{"app":null}}}', "merged"),
        ("strategic", '{"spec":{"holderIdentity":"strategic"}}', "strategic"),
        ("json", '[{"op":"replace","path":"/spec/holderIdentity","value":"json"}]', "json"),
    ]:
        k("patch", "lease", "a", f"--type={kind}", "-p", patch).matches(r"lease\.coordination\.k8s\.io/a patched")
        equal(holder(k), wanted, f"holder after {kind}")
        k("patch", "lease", "a", f"--type={kind}", "-p", patch).says("patched (no change)")
    equal("labels" in k("get", "lease", "a", "-o", "json").json()["metadata"], False, "labels left")


@scenario
def patch_merges_owners_by_uid(k: Kubectl) -> None:
    # Of a kind that is not served, or the lease would go for want of an owner.
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "n", "uid": "u-1"}
    k("create", "-f", "-", stdin=lease("a", ownerReferences=[owner]))
    patch = '{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"m","uid":"u-2"}]}}'
    k("patch", "lease", "a", "--type=strategic", "-p", patch)
    k("get", "lease", "a", "-o", "jsonpath={.metadata.ownerReferences[*].uid}").matches("u-2 u-1|u-1 u-2")
    k("patch", "lease", "a", "--type=merge", "-p", patch)
    k("get", "lease", "a", "-o", "jsonpath={.metadata.ownerReferences[*].uid}").matches("u-2")


@scenario
def patch_is_refused_with_a_reason(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    failing = '[{"op":"test","path":"/spec/holderIdentity","value":"other"}]'
    k("patch", "lease", "a", "--type=json", "-p", failing, code=1).complains("The request is invalid")
    k("patch", "lease", "a", "--type=merge", "-p", '{"spec":{"leaseDurationSeconds":0}}', code=1).complains(
        "spec.leaseDurationSeconds: Invalid value: 0"
    )
    stale = '{"metadata":{"resourceVersion":"1"},"spec":{"holderIdentity":"x"}}'
    k("patch", "lease", "a", "--type=merge", "-p", stale, code=1).complains(
        "the object has been modified; please apply your changes to the latest version"
    )
    k("patch", "lease", "nobody", "-p", "{}", code=1).complains('leases.coordination.k8s.io "nobody" not found')
    equal(holder(k), "holder-1", "holder")


@scenario
def patch_without_doing_it(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    k("patch", "lease", "a", "--dry-run=server", "-p", '{"spec":{"holderIdentity":"x"}}').says("patched")
    equal(holder(k), "holder-1", "holder")


@scenario
def label_and_its_removal(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    k("label", "lease", "a", "app=x").matches(r"\S+/a labeled")
    k("label", "lease", "a", "app=y", code=1).complains("'app' already has a value (x), and --overwrite is false")
    k("label", "lease", "a", "app=y", "--overwrite").says("labeled")
    k("get", "leases", "-l", "app=y", "-o", "name").matches(r"\S+/a")
    k("label", "lease", "--all", "tier=one").says("labeled")
    k("label", "lease", "a", "--list").says("app=y", "tier=one")
    k("label", "lease", "a", "app-").matches(r"\S+/a unlabeled")
    k("get", "lease", "a", "-o", "jsonpath={.metadata.labels}").matches(r'\{"tier":"one"\}')
    k("label", "lease", "a", "bad=not valid", code=1).complains("invalid label value")


@scenario
def annotate_and_its_removal(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    k("annotate", "lease", "a", "note=one two").matches(r"\S+/a annotated")
    k("annotate", "lease", "a", "note=three", code=1).complains("--overwrite is false but found the following declared")
    k("annotate", "lease", "a", "note=three", "--overwrite").says("annotated")
    k("get", "lease", "a", "-o", "jsonpath={.metadata.annotations.note}").matches("three")
    k("annotate", "lease", "a", "note-").says("annotated")
    k("get", "lease", "a", "-o", "json").lacks("note")


@scenario
def replace_with_a_file(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a", labels={"app": "x"}))
    read = k("get", "lease", "a", "-o", "json").json()
    stale = k("get", "lease", "a", "-o", "json").json()
    read["spec"] = {"holderIdentity": "holder-2"}
    del read["metadata"]["labels"]
    k("replace", "-f", "-", stdin=read).matches(r"\S+/a replaced")
    equal(k("get", "lease", "a", "-o", "json").json()["spec"], {"holderIdentity": "holder-2"}, "spec")
    k("replace", "-f", "-", stdin=stale, code=1).complains(
        "Error from server (Conflict): error when replacing", "the object has been modified"
    )


@scenario
def replace_by_force(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    uid = ("get", "lease", "a", "-o", "jsonpath={.metadata.uid}")
    first = k(*uid).out
    k("replace", "--force", "-f", k.file("a.json", lease("a", "holder-2"))).says("deleted", "replaced")
    equal((holder(k), k(*uid).out == first), ("holder-2", False), "holder, and whether it is the same object")
