"""kubectl get, in the forms that people and scripts use."""

from harness import Kubectl, equal, lease, many, scenario

AGE = r"\d+[smh]\S*"


def create_three(k: Kubectl) -> None:
    """a, b and c, with durations in the other order, and labels on a and b."""
    k(
        "create",
        "-f",
        "-",
        stdin=many(
            lease("a", seconds=30, labels={"app": "x", "tier": "one"}),
            lease("b", seconds=20, labels={"app": "y"}),
            lease("c", seconds=10),
        ),
    )


@scenario
def get_prints_a_table(k: Kubectl) -> None:
    create_three(k)
    k("get", "leases").matches(rf"NAME +HOLDER +AGE\n(a|b|c) +holder-1 +{AGE}(\n(b|c) +holder-1 +{AGE}){{2}}")
    k("get", "lease", "a").matches(rf"NAME +HOLDER +AGE\na +holder-1 +{AGE}")
    k("get", "lease/a", "--no-headers").matches(rf"a +holder-1 +{AGE}")
    k("get", "leases.v1.coordination.k8s.io", "a", "-o", "wide").matches(rf"NAME +HOLDER +AGE\na +holder-1 +{AGE}")


@scenario
def get_prints_yaml_and_json(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    k("get", "lease", "a", "-o", "yaml").says(
        "apiVersion: coordination.k8s.io/v1\n", "kind: Lease\n", "  name: a\n", "\n  holderIdentity: holder-1\n"
    ).lacks("managedFields")
    read = k("get", "lease", "a", "-o", "json").json()
    equal(read["spec"], {"holderIdentity": "holder-1", "leaseDurationSeconds": 15}, "spec")
    equal(read["metadata"]["namespace"], k.namespace, "namespace")
    k("get", "lease", "a", "-o", "yaml", "--show-managed-fields").says("manager: kubectl-create", "f:holderIdentity")
    listed = k("get", "leases", "-o", "json").json()
    equal((listed["kind"], [item["metadata"]["name"] for item in listed["items"]]), ("List", ["a"]), "list")


@scenario
def get_prints_what_a_script_asks_for(k: Kubectl) -> None:
    create_three(k)
    k("get", "lease", "a", "-o", "jsonpath={.spec.holderIdentity}").matches("holder-1")
    k("get", "leases", "-o", "jsonpath={.items[*].metadata.name}").matches("a b c")
    k("get", "leases", "-o", "name").matches(r"(lease\.coordination\.k8s\.io/[abc]\n?){3}")
    k("get", "lease", "a", "-o", "custom-columns=N:.metadata.name,S:.spec.leaseDurationSeconds").matches(r"N +S\na +30")
    k("get", "lease", "b", "-o", "go-template={{.spec.leaseDurationSeconds}}").matches("20")


@scenario
def get_all_namespaces(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    k("get", "leases", "-A").matches(rf"NAMESPACE +NAME +HOLDER +AGE\n[\s\S]*").says(f"{k.namespace} ")
    pairs = k("get", "leases", "-A", "-o", "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}")
    pairs.says(f"{k.namespace}/a ")


@scenario
def get_by_label(k: Kubectl) -> None:
    create_three(k)
    names = ("-o", "jsonpath={.items[*].metadata.name}")
    for selector, wanted in [
        ("app=x", "a"),
        ("app", "a b"),
        ("!app", "c"),
        ("app!=x", "b c"),
        ("app in (x,y)", "a b"),
        ("app notin (y)", "a c"),
        ("app=x,tier=two", ""),
    ]:
        equal(k("get", "leases", "-l", selector, *names).out, wanted, f"leases with {selector}")
    k("get", "leases", "-l", "app=z").complains(f"No resources found in {k.namespace} namespace.")
    k("get", "leases", "a", "--show-labels").matches(rf"NAME +HOLDER +AGE +LABELS\na +holder-1 +{AGE} +app=x,tier=one")
    k("get", "leases", "a", "-L", "app").matches(rf"NAME +HOLDER +AGE +APP\na +holder-1 +{AGE} +x")
    k("get", "leases", "-l", "app=(", code=1).complains("unable to parse requirement")


@scenario
def get_by_field(k: Kubectl) -> None:
    create_three(k)
    names = ("-o", "jsonpath={.items[*].metadata.name}")
    equal(k("get", "leases", "--field-selector", "metadata.name=b", *names).out, "b", "by name")
    equal(k("get", "leases", "--field-selector", "metadata.name!=b", *names).out, "a c", "by another name")
    equal(k("get", "leases", "-A", "--field-selector", f"metadata.namespace={k.namespace}", *names).out, "a b c")
    k("get", "leases", "--field-selector", "spec.holderIdentity=holder-1", code=1).complains(
        "Error from server (BadRequest)", '"spec.holderIdentity" is not a known field selector'
    )


@scenario
def get_sorted(k: Kubectl) -> None:
    create_three(k)
    for key, wanted in [(".spec.leaseDurationSeconds", ["c", "b", "a"]), (".metadata.name", ["a", "b", "c"])]:
        lines = k("get", "leases", "--sort-by", key, "--no-headers").out.splitlines()
        equal([line.split()[0] for line in lines], wanted, f"leases by {key}")


@scenario
def get_in_chunks(k: Kubectl) -> None:
    names = [f"l{index:02}" for index in range(11)]
    k("create", "-f", "-", stdin=many(*map(lease, names)))
    lines = k("get", "leases", "--chunk-size=3", "--no-headers").out.splitlines()
    equal([line.split()[0] for line in lines], names, "names")


@scenario
def get_what_is_not_there(k: Kubectl) -> None:
    k("get", "lease", "nobody", code=1).complains(
        'Error from server (NotFound): leases.coordination.k8s.io "nobody" not found'
    )
    equal(k("get", "lease", "nobody", "--ignore-not-found").out, "", "output")
    k("get", "leases").complains(f"No resources found in {k.namespace} namespace.")
    k("get", "widgets", code=1).complains("error: the server doesn't have a resource type \"widgets\"")


@scenario
def get_several_kinds(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    k("get", f"lease/a", f"namespace/{k.namespace}").says(
        "lease.coordination.k8s.io/a", f"namespace/{k.namespace}", "HOLDER", "STATUS"
    )


@scenario
def describe_shows_the_lease(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a", labels={"app": "x"}, annotations={"note": "hello"}))
    k("describe", "lease", "a").says(
        "Name:         a\n",
        f"Namespace:    {k.namespace}\n",
        "Labels:       app=x\n",
        "Annotations:  note: hello\n",
        "API Version:  coordination.k8s.io/v1\n",
        "Holder Identity:         holder-1\n",
        "Events:                    <none>\n",
    )
    k("describe", "lease", "nobody", code=1).complains('leases.coordination.k8s.io "nobody" not found')
