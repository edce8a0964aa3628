"""What the server itself does with leases, as kubectl shows it: its identity, elections, and leases that ask to be deleted."""

import time
from typing import Callable

from harness import Failure, Kubectl, lease, scenario

SECONDS_MAX = 60


def until(what: str, ask: Callable[[], bool]) -> None:
    """Asks again and again until the answer is yes."""
    end = time.monotonic() + SECONDS_MAX
    while not ask():
        if time.monotonic() > end:
            raise Failure(f"not within {SECONDS_MAX} s: {what}")
        time.sleep(0.2)


def candidate(name: str, version: str, renewed: str = "2020-01-01T00:00:00.000000Z") -> dict:
    return {
        "apiVersion": "coordination.k8s.io/v1beta1",
        "kind": "LeaseCandidate",
        "metadata": {"name": name},
        "spec": {
            "leaseName": "job",
            "binaryVersion": version,
            "emulationVersion": version,
            "strategy": "OldestEmulationVersion",
            "renewTime": renewed,
        },
    }


@scenario
def the_server_shows_its_identity(k: Kubectl) -> None:
    k("-n", "kube-system", "get", "lease", "-l", "apiserver.kubernetes.io/identity=kube-apiserver").matches(
        r"NAME +HOLDER +AGE\n(apiserver-[a-z2-7]{26}) +\1_[0-9a-f-]{36} +\S+"
    )
    shown = k("-n", "kube-system", "get", "lease", "-l", "apiserver.kubernetes.io/identity", "-o", "json").json()["items"][0]
    name, spec = shown["metadata"]["name"], shown["spec"]
    if spec["leaseDurationSeconds"] != 3600 or "kubernetes.io/hostname" not in shown["metadata"]["labels"]:
        raise Failure(f"the lease is {shown}")
    until("a renewal", lambda: k("-n", "kube-system", "get", "lease", name, "-o", "jsonpath={.spec.renewTime}").out != spec["renewTime"])
    k("-n", "kube-system", "get", "lease", "leasehold-controllers", "-o", "jsonpath={.spec.holderIdentity}").says(name)


@scenario
def the_server_elects_among_candidates(k: Kubectl) -> None:
    k("create", "-f", "-", stdin=candidate("new", "1.36.0")).says("created")
    until("new leads", lambda: "new" in k.run("get", "lease", "job").out.split())
    k("get", "lease", "job").matches(r"NAME +HOLDER +AGE\njob +new +\S+")
    k("create", "-f", "-", stdin=candidate("old", "1.35.0")).says("created")
    told = "jsonpath={.spec.holderIdentity} {.spec.preferredHolder}"

    def step(wanted: str) -> bool:
        # The leader goes on, as one would that has work to finish: a lease that expires is simply given to the next.
        stamp = f"2020-01-01T00:00:00.{time.monotonic_ns() // 1000 % 1_000_000:06}Z"
        renewal = {"spec": {"renewTime": stamp, "leaseDurationSeconds": 15}}
        k("patch", "lease", "job", "--type=merge", "-p", str(renewal).replace("'", '"'))
        return k("get", "lease", "job", "-o", told).out == wanted

    until("new is told of old", lambda: step("new old"))
    k("patch", "lease", "job", "--type=merge", "-p", '{"spec":{"holderIdentity":""}}')
    until("old leads, or is asked", lambda: k("get", "lease", "job", "-o", told).out == "old " or answer(k, "old"))
    until("old leads", lambda: k("get", "lease", "job", "-o", told).out == "old ")


def answer(k: Kubectl, name: str) -> bool:
    """Answers for a candidate that was asked. Always false, to be asked again."""
    asked = k("get", "leasecandidate", name, "-o", "jsonpath={.spec.pingTime}").out
    if asked:
        k("patch", "leasecandidate", name, "--type=merge", "-p", f'{{"spec":{{"renewTime":"{asked}"}}}}')
    return False


@scenario
def a_lease_that_asks_for_it_is_deleted(k: Kubectl) -> None:
    asks = lease("asks", seconds=1, annotations={"leasehold.dev/ttl-after-expiry": "1s"})
    k("create", "-f", "-", stdin=asks).says("created")
    k("create", "-f", "-", stdin=lease("stays", seconds=1)).says("created")
    until("it is gone", lambda: "asks" not in k("get", "leases", "-o", "name").out)
    k("get", "leases", "-o", "name").says("stays")
    k("get", "events", "--field-selector", "reason=TTLExpired").says("lease/asks", "Deleted: it expired more than 1s ago")
