"""`leasehold heartbeat` and the node monitor, in real time with short periods, against a server of their own."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from harness import COMMAND_SECONDS_MAX, Failure, Kubectl, Result, equal, scenario

PROGRAM = os.environ.get("LEASEHOLD_INTEROP_PROGRAM")
NODE = "edge-1"
# Far from each other, so that a busy machine takes no live node for a silent one.
GRACE = "5s"
AGENT = ("--duration", "2s", "--period", "250ms")


@contextmanager
def process(k: Kubectl, log: str, *arguments: str) -> Iterator[subprocess.Popen]:
    """The program, running; killed at the end, whatever state it is in."""
    with open(k.scratch / log, "w") as out:
        running = subprocess.Popen(
            [PROGRAM, *arguments], env=k.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@contextmanager
def server(k: Kubectl) -> Iterator[Kubectl]:
    """A server with short periods, and a kubectl for it."""
    data = k.scratch / "data"
    flags = ("--node-monitor-period", "500ms", "--node-monitor-grace-period", GRACE, "--node-startup-grace-period", GRACE)
    with process(k, "server.log", "serve", "--listen", "127.0.0.1:0", "--data-dir", str(data), *flags):
        kubeconfig = data / "admin.kubeconfig"
        until("the server listens", kubeconfig.exists)
        yield Kubectl(k.program, str(kubeconfig), k.scratch / "cache", k.scratch, "kube-node-lease")


def agent(k: Kubectl, *more: str):
    """The agent of the node, with the node's own credentials."""
    credentials = k.scratch / "node.kubeconfig"
    if not credentials.exists():
        made = [PROGRAM, "kubeconfig", "--data-dir", str(k.scratch / "data"), "--node", NODE]
        credentials.write_text(subprocess.run(made, capture_output=True, text=True, check=True).stdout)
    flags = ("--node", NODE, "--kubeconfig", str(credentials), *AGENT)
    return process(k, "agent.log", "heartbeat", *flags, *more)


def until(what: str, holds) -> None:
    """Waits, with a bound, until it holds."""
    end = time.monotonic() + COMMAND_SECONDS_MAX
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"not within {COMMAND_SECONDS_MAX} s: {what}")
        time.sleep(0.05)


def becomes(k: Kubectl, status: str, reason: str) -> None:
    """Waits until the node's Ready condition says so."""
    path = "{.status.conditions[?(@.type=='Ready')].status} {.status.conditions[?(@.type=='Ready')].reason}"
    seen: list[Result] = []

    def says() -> bool:
        seen.append(k.run("get", "node", NODE, "-o", f"jsonpath={path}"))
        return seen[-1].out == f"{status} {reason}"

    try:
        until(f"Ready is {status} for {reason}", says)
    except Failure as failure:
        logs = [(k.scratch / log).read_text()[-2000:] for log in ("server.log", "agent.log")]
        raise Failure(f"{failure}\n{seen[-1]}\n" + "\n".join(logs)) from None


def taints(k: Kubectl) -> str:
    """Keys and effects, of what the monitor sets for readiness."""
    path = "{range .spec.taints[*]}{.key}:{.effect} {end}"
    every = k("get", "node", NODE, "-o", f"jsonpath={path}").out.split()
    ours = [taint for taint in every if taint.startswith(("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"))]
    return " ".join(ours)


def life_of_a_node(k: Kubectl) -> None:
    """Start, bad health, silence, recovery, stop, and deletion."""
    with server(k) as k:
        unwell = k.scratch / "unwell"
        health = f"test ! -e {unwell} || {{ echo the disk is gone; exit 1; }}"
        with agent(k, "--label", "tier=edge", "--health-command", health) as running:
            becomes(k, "True", "AgentReady")
            k("get", "nodes").matches(rf"NAME +STATUS +ROLES +AGE +VERSION\n{NODE} +Ready +<none> +\S+ +v\S+\+leasehold")
            k("get", "node", "-l", "tier=edge", "-o", "name").matches(f"node/{NODE}")
            until("no taint is left", lambda: taints(k) == "")
            is_leased(k)
            falls_ill_and_recovers(k, unwell)
            falls_silent_and_recovers(k, running)
            running.send_signal(signal.SIGTERM)
            equal(running.wait(COMMAND_SECONDS_MAX), 0, "exit code of the agent")
        becomes(k, "False", "AgentStopped")
        k("get", "nodes").matches(rf"NAME.*\n{NODE} +NotReady .*")
        goes(k)


def is_leased(k: Kubectl) -> None:
    """The lease is as a kubelet's."""
    until("there is a lease", lambda: k.run("get", "lease", NODE).code == 0)
    k("get", "leases").matches(rf"NAME +HOLDER +AGE\n{NODE} +{NODE} +\S+")
    uid = k("get", "node", NODE, "-o", "jsonpath={.metadata.uid}").out
    path = "{.metadata.ownerReferences[0].kind} {.metadata.ownerReferences[0].uid} {.spec.leaseDurationSeconds}"
    k("get", "lease", NODE, "-o", f"jsonpath={path}").matches(f"Node {uid} 2")


def falls_ill_and_recovers(k: Kubectl, unwell: Path) -> None:
    unwell.touch()
    becomes(k, "False", "HealthCheckFailed")
    k("get", "nodes").matches(rf"NAME.*\n{NODE} +NotReady .*")
    k("describe", "node", NODE).says("HealthCheckFailed", "the health command ended with exit status: 1: the disk is gone")
    until("the taint is there", lambda: taints(k) == "node.kubernetes.io/not-ready:NoSchedule")
    unwell.unlink()
    becomes(k, "True", "AgentReady")


def falls_silent_and_recovers(k: Kubectl, running: subprocess.Popen) -> None:
    running.send_signal(signal.SIGSTOP)
    becomes(k, "Unknown", "NodeStatusUnknown")
    k("get", "nodes").matches(rf"NAME.*\n{NODE} +NotReady .*")
    # It is the only node: nothing is evicted.
    until("the taint is there", lambda: taints(k) == "node.kubernetes.io/unreachable:NoSchedule")
    event = lambda: "status is now: NodeNotReady" in k("get", "events", "-n", "default").out
    until("the Event is there", event)
    k("describe", "node", NODE).says(
        "Kubelet stopped posting node status.",
        "Unknown",
        "HolderIdentity:  " + NODE,
        f"Node {NODE} status is now: NodeNotReady",
        f"Registered Node {NODE} in Controller",
        "(0 in total)",
    )
    running.send_signal(signal.SIGCONT)
    becomes(k, "True", "AgentReady")
    k("get", "nodes").matches(rf"NAME.*\n{NODE} +Ready .*")
    until("the taint is gone", lambda: taints(k) == "")


def goes(k: Kubectl) -> None:
    """With the node goes its lease."""
    k("delete", "node", NODE).says("deleted")
    k("wait", "--for=delete", f"lease/{NODE}", "--timeout=25s")
    k("get", "nodes").complains("No resources found")
    event = lambda: "Removing Node edge-1 from Controller" in k("get", "events", "-n", "default").out
    until("the Event is there", event)


if PROGRAM:
    scenario(life_of_a_node)
