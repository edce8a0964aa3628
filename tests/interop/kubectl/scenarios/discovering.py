"""What a server offers: discovery, documentation, health, versions, and what it lacks."""

from harness import Kubectl, Result, equal, scenario


def words(result: Result) -> list[list[str]]:
    return [line.split() for line in result.out.splitlines()]


@scenario
def api_resources_are_listed(k: Kubectl) -> None:
    table = words(k("api-resources"))
    for wanted in [
        ["leases", "coordination.k8s.io/v1", "true", "Lease"],
        ["leasecandidates", "coordination.k8s.io/v1beta1", "true", "LeaseCandidate"],
        ["namespaces", "ns", "v1", "false", "Namespace"],
        ["nodes", "no", "v1", "false", "Node"],
        ["events", "ev", "v1", "true", "Event"],
        ["events", "ev", "events.k8s.io/v1", "true", "Event"],
    ]:
        equal(wanted in table, True, f"a line {wanted} in {table}")
    names = k("api-resources", "--namespaced", "-o", "name").out.split()
    equal("leases.coordination.k8s.io" in names and "nodes" not in names, True, f"leases and no nodes in {names}")
    names = k("api-resources", "--namespaced=false", "-o", "name").out.split()
    equal("namespaces" in names and "nodes" in names and "events" not in names, True, f"nodes, no events in {names}")
    verbs = k("api-resources", "--api-group=coordination.k8s.io", "-o", "wide")
    verbs.says("create,delete,deletecollection,get,list,patch,update,watch")


@scenario
def api_versions_are_listed(k: Kubectl) -> None:
    wanted = {"v1", "coordination.k8s.io/v1", "coordination.k8s.io/v1beta1", "events.k8s.io/v1"}
    equal(wanted - set(k("api-versions").out.split()), set(), "versions missing")


@scenario
def explain_documents_the_fields(k: Kubectl) -> None:
    k("explain", "lease.spec").says(
        "GROUP:      coordination.k8s.io\n",
        "KIND:       Lease\n",
        "VERSION:    v1\n",
        "FIELD: spec <LeaseSpec>",
        "holderIdentity\t<string>",
        "leaseDurationSeconds\t<integer>",
        "renewTime\t<string>",
    )
    k("explain", "lease.spec.renewTime").says("FIELD: renewTime <string>", "DESCRIPTION:")
    k("explain", "node.status").says("FIELD: status <NodeStatus>", "conditions\t<[]NodeCondition>")
    k("explain", "lease", "--recursive").says("holderIdentity", "ownerReferences", "blockOwnerDeletion")
    k("explain", "leasecandidate.spec").says("emulationVersion")
    k("explain", "namespace").says("KIND:       Namespace")
    k("explain", "event", "--api-version=events.k8s.io/v1").says("regarding")
    k("explain", "lease.spec.nothing", code=1).complains('field "nothing" does not exist')


@scenario
def version_has_the_server(k: Kubectl) -> None:
    server = k("version", "-o", "json").json()["serverVersion"]
    equal((server["major"], int(server["minor"].rstrip("+")) >= 30), ("1", True), f"version {server}")
    k("version").says(f"Server Version: {server['gitVersion']}")


@scenario
def raw_paths_answer(k: Kubectl) -> None:
    for path in ("/healthz", "/livez", "/readyz"):
        k("get", "--raw", path).matches("ok")
    k("get", "--raw", "/readyz?verbose").says("[+]", "readyz check passed")
    equal(k("get", "--raw", "/apis").json()["kind"], "APIGroupList", "kind of /apis")
    equal(k("get", "--raw", "/api").json()["kind"], "APIVersions", "kind of /api")
    equal(k("get", "--raw", "/version").json()["major"], "1", "major version")
    k("get", "--raw", "/nowhere", code=1).complains("Error from server (NotFound): the server could not find the requested resource")
    spec = k("get", "--raw", "/openapi/v3").json()["paths"]["apis/coordination.k8s.io/v1"]["serverRelativeURL"]
    equal(k("get", "--raw", spec).json()["openapi"][:2], "3.", "OpenAPI version")


@scenario
def metrics_are_in_the_plain_form(k: Kubectl) -> None:
    # Without an Accept that asks for OpenMetrics: there a counter's type is told under a name without `_total`.
    metrics = k("get", "--raw", "/metrics")
    metrics.says("apiserver_request_total{", 'resource="namespaces"', "apiserver_current_inflight_requests{")
    metrics.says("# TYPE apiserver_request_total counter\n").lacks("# EOF")


@scenario
def cluster_info_says_what_is_missing(k: Kubectl) -> None:
    # kubectl asks for services before it prints anything, and there are none here.
    k("cluster-info", code=1).complains('the server doesn\'t have a resource type "services"')


@scenario
def whoami_says_that_there_is_no_review(k: Kubectl) -> None:
    k("auth", "whoami", code=1).complains("the selfsubjectreviews API is not enabled in the cluster")


@scenario
def can_i_says_that_there_is_no_review(k: Kubectl) -> None:
    k("auth", "can-i", "create", "leases", code=1).complains("the server could not find the requested resource")
