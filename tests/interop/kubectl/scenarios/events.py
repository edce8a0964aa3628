"""Events, which is where electors tell what they did."""

from datetime import datetime, timezone

from harness import Kubectl, equal, lease, scenario


def event(k: Kubectl, name: str, about: dict, reason: str, kind: str = "Normal") -> dict:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": about["metadata"]["name"],
            "namespace": k.namespace,
            "uid": about["metadata"]["uid"],
        },
        "reason": reason,
        "message": f"holder-1 {reason}",
        "source": {"component": "elector"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 3,
        "type": kind,
    }


def lease_with_two_events(k: Kubectl) -> None:
    """Lease a with two events about it, and lease b with one."""
    for name in ("a", "b"):
        k("create", "-f", "-", stdin=lease(name))
    a, b = (k("get", "lease", name, "-o", "json").json() for name in ("a", "b"))
    for each in (
        event(k, "a.1", a, "became-leader"),
        event(k, "a.2", a, "stopped-leading", "Warning"),
        event(k, "b.1", b, "elsewhere"),
    ):
        k("create", "-f", "-", stdin=each).says("created")


@scenario
def describe_shows_the_events_of_a_lease(k: Kubectl) -> None:
    lease_with_two_events(k)
    described = k("describe", "lease", "a")
    described.says("Events:\n", "Type", "Reason", "Age", "From", "Message")
    described.says("Normal   became-leader", "Warning  stopped-leading", "elector", "holder-1 became-leader", "(x3 over")
    described.lacks("elsewhere")


@scenario
def events_command_and_get_events(k: Kubectl) -> None:
    lease_with_two_events(k)
    listed = k("events")
    listed.says("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE", "Lease/a", "Lease/b", "holder-1 stopped-leading")
    k("events", "--for", "lease/a").says("became-leader").lacks("elsewhere")
    k("events", "--types=Warning").says("stopped-leading").lacks("became-leader")
    k("get", "events").says("LAST SEEN", "became-leader", "lease/a", "holder-1 elsewhere")
    k("get", "events", "-o", "wide").says("SUBOBJECT", "SOURCE", "elector")
    k("get", "events.events.k8s.io").says("became-leader", "lease/a")
    k("events", "-A").says("NAMESPACE", k.namespace)


@scenario
def events_by_field(k: Kubectl) -> None:
    lease_with_two_events(k)
    names = ("-o", "jsonpath={.items[*].metadata.name}")
    for selector, wanted in [
        ("involvedObject.name=a", "a.1 a.2"),
        ("involvedObject.name=a,type=Warning", "a.2"),
        ("reason=elsewhere", "b.1"),
        ("involvedObject.kind!=Lease", ""),
    ]:
        equal(k("get", "events", "--field-selector", selector, *names).out, wanted, f"events with {selector}")


@scenario
def events_are_watched(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=lease("a"))
    about = k("get", "lease", "a", "-o", "json").json()
    with k.start("events", "--watch") as watch:
        # It prints nothing until an event is there, whenever its watch has begun.
        k("create", "-f", "-", stdin=event(k, "a.1", about, "became-leader"))
        watch.wait_for("became-leader")
