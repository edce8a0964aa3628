"""kubectl create: what is taken, what is refused and in which words."""

from harness import Kubectl, equal, lease, scenario

TWO_DOCUMENTS = """\
# Two documents, a comment and an empty one between them.
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata:
  name: first
spec:
  holderIdentity: "yes"
  renewTime: 2026-01-01T00:00:00.123456Z
---
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: second, labels: {on: "true"}}
spec:
  holderIdentity: >-
    folded
    text
"""


@scenario
def create_from_a_file(k: Kubectl) -> None:
    path = k.file("lease.json", lease("a"))
    equal(k("create", "-f", path).out, "lease.coordination.k8s.io/a created\n", "output")
    k("create", "-f", path, code=1).complains(
        "Error from server (AlreadyExists): error when creating",
        'leases.coordination.k8s.io "a" already exists',
    )


@scenario
def create_from_several_yaml_documents(k: Kubectl) -> None:
    made = k("create", "-f", "-", stdin=TWO_DOCUMENTS)
    equal(made.out.splitlines(), [f"lease.coordination.k8s.io/{name} created" for name in ("first", "second")], "output")
    first = k("get", "lease", "first", "-o", "json").json()
    equal(first["spec"], {"holderIdentity": "yes", "renewTime": "2026-01-01T00:00:00.123456Z"}, "spec")
    k("get", "lease", "second", "-o", "jsonpath={.spec.holderIdentity}").matches("folded text")


@scenario
def create_with_a_generated_name(k: Kubectl) -> None:
    body = lease("")
    body["metadata"] = {"generateName": "job-"}
    name = r"lease\.coordination\.k8s\.io/job-[bcdfghjklmnpqrstvwxz2456789]{5}"
    first = k("create", "-f", "-", stdin=body).matches(rf"{name} created")
    second = k("create", "-f", "-", "-o", "name", stdin=body).matches(name)
    equal(first.out.split()[0] == second.out.strip(), False, "one name for both")


@scenario
def create_without_doing_it(k: Kubectl) -> None:
    made = k("create", "-f", "-", "--dry-run=server", "-o", "json", stdin=lease("a")).json()
    equal(bool(made["metadata"].get("uid")), True, "a uid from the server")
    k("create", "-f", "-", "--dry-run=server", stdin=lease("a")).matches(r"\S+/a created \(server dry run\)")
    k("create", "-f", "-", "--dry-run=client", stdin=lease("a")).matches(r"\S+/a created \(dry run\)")
    k("get", "lease", "a", code=1)


@scenario
def create_in_a_missing_namespace(k: Kubectl) -> None:
    missing = f"{k.namespace}-missing"
    k("create", "-f", "-", stdin=lease("a", namespace=missing), code=1).complains("does not match the namespace")
    k.namespace = missing
    k("create", "-f", "-", stdin=lease("a"), code=1).complains(
        "Error from server (NotFound): error when creating", f'namespaces "{missing}" not found'
    )


@scenario
def create_refuses_an_unknown_field(k: Kubectl) -> None:
    body = lease("a")
    body["spec"]["holder"] = "x"
    k("create", "-f", "-", stdin=body, code=1).complains("strict decoding error: unknown field \"spec.holder\"")
    k("apply", "-f", "-", stdin=body, code=1).complains("strict decoding error: unknown field \"spec.holder\"")
    k("get", "lease", "a", code=1)
    k("create", "-f", "-", "--validate=warn", stdin=body).complains('Warning: unknown field "spec.holder"').says("created")
    body["metadata"]["name"] = "b"
    quiet = k("create", "-f", "-", "--validate=ignore", stdin=body)
    equal(quiet.err, "", "stderr")
    equal(k("get", "lease", "b", "-o", "jsonpath={.spec.holder}").out, "", "the unknown field")


@scenario
def create_refuses_a_field_given_twice(k: Kubectl) -> None:
    # kubectl's own decoder would drop one of the two without a word, so as raw text.
    twice = '{"metadata":{"name":"a"},"spec":{"holderIdentity":"one","holderIdentity":"two"}}'
    path = f"/apis/coordination.k8s.io/v1/namespaces/{k.namespace}/leases?fieldValidation=Strict"
    k("create", "--raw", path, "-f", k.file("twice.json", twice), code=1).complains('duplicate field "spec.holderIdentity"')
    k("get", "lease", "a", code=1)


@scenario
def create_refuses_what_is_invalid(k: Kubectl) -> None:
    for command in (("create",), ("apply",), ("apply", "--server-side")):
        k(*command, "-f", "-", stdin=lease("a", seconds=0), code=1).complains(
            'The Lease "a" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'
        )
    k("create", "-f", "-", stdin=lease("Upper_Case"), code=1).complains(
        'The Lease "Upper_Case" is invalid: metadata.name: Invalid value: "Upper_Case": a lowercase RFC 1123 subdomain'
    )
    both = lease("a", seconds=-1)
    both["spec"]["leaseTransitions"] = -1
    k("create", "-f", "-", stdin=both, code=1).complains(
        "* spec.leaseDurationSeconds: Invalid value: -1", "* spec.leaseTransitions: Invalid value: -1"
    )


@scenario
def create_refuses_a_wrong_type(k: Kubectl) -> None:
    body = lease("a")
    body["spec"]["leaseDurationSeconds"] = "fifteen"
    k("create", "-f", "-", stdin=body, code=1).complains("Error from server (BadRequest)", "leaseDurationSeconds")
    # To validate an unknown kind kubectl looks for custom resources, which are not served here.
    unknown = {**lease("a"), "kind": "Lese"}
    k("create", "-f", "-", stdin=unknown, code=1).complains("error validating")
    k("create", "-f", "-", "--validate=false", stdin=unknown, code=1).complains('no matches for kind "Lese"')
    k("create", "-f", "-", stdin="a: [", code=1).complains("error")
