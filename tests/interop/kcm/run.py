#!/usr/bin/env python3
"""Real kube-controller-managers, elected by a running Leasehold: they agree, fail over, and make room for an older version.

LEASEHOLD_INTEROP_KUBECONFIG names a kubeconfig with all rights. Unmodified kube-controller-managers are built from the Go
module that go.mod pins, and started with `--feature-gates=CoordinatedLeaderElection=true`. What is asserted is what kubectl
prints.

Exit code 0: passed. 1: failed. 3: something is missing, and the one line printed says what.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # a test leaves nothing behind

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kubectl"))

import finder
from harness import Failure, Kubectl

KUBECONFIG = "LEASEHOLD_INTEROP_KUBECONFIG"
NOT_HERE = 3
# Cold, it compiles most of Kubernetes. What was built is kept when the time is up: the next run goes on from there.
BUILD_SECONDS_MAX = int(os.environ.get("LEASEHOLD_KCM_BUILD_SECONDS", "900"))
VERSION = "1.36.5"
WAIT_SECONDS_MAX = 90  # a lease of 15 s has to expire, and the machine may be busy
LEASE = "kube-controller-manager"
OUT_OF_REACH = ("dial tcp", "no such host", "i/o timeout", "module lookup disabled")


def build() -> Path:
    """The program; stays in target/, since even linking it takes a while."""
    if not shutil.which("go"):
        raise finder.NotFound("no Go to build kube-controller-manager with")
    program = HERE.parents[2] / "target" / "interop" / "kube-controller-manager"
    stamp = "k8s.io/component-base/version"
    stamps = {"gitVersion": f"v{VERSION}", "gitMajor": "1", "gitMinor": "36"}
    flags = " ".join(["-s", "-w", *(f"-X {stamp}.{name}={value}" for name, value in stamps.items())])
    command = ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(program), "."]
    try:
        built = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise finder.NotFound(
            f"kube-controller-manager was not built within {BUILD_SECONDS_MAX} s; the next run goes on from there"
        ) from None
    if built.returncode == 0:
        return program
    last = (built.stderr.strip().splitlines() or ["go build failed"])[-1]
    if any(sign in built.stderr for sign in OUT_OF_REACH) or "toolchain not available" in built.stderr:
        raise finder.NotFound(f"kube-controller-manager cannot be built here: {last}")
    raise Failure(f"kube-controller-manager cannot be built: {last}")


class Manager:
    """A running kube-controller-manager with one harmless controller; use it in a `with`, which ends it."""

    def __init__(self, program: Path, kubeconfig: str, scratch: Path, name: str, *more: str):
        self.name = name
        self.log = scratch / f"{name}.log"
        self.file = self.log.open("w")
        arguments = [
            f"--kubeconfig={kubeconfig}",
            "--feature-gates=CoordinatedLeaderElection=true",
            "--leader-elect=true",
            "--controllers=ttl-controller",
            "--secure-port=0",
            *more,
        ]
        self.process = subprocess.Popen(
            [str(program), *arguments], stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.STDOUT
        )

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def kill(self) -> None:
        """As a machine that loses power: it says goodbye to nobody."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> "Manager":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.file.close()
        if kind:
            print(f"-- the log of {self.name} ends:\n{self.log.read_text()[-3000:]}", flush=True)


def until(what: str, ask):
    """Asks again and again until there is an answer."""
    end = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(f"not within {WAIT_SECONDS_MAX} s: {what}")
        time.sleep(0.2)


def candidates(k: Kubectl) -> dict[str, str]:
    """Each candidate's emulation version, as kubectl prints them."""
    printed = k("get", "leasecandidates", "--no-headers").out
    rows = [line.split() for line in printed.splitlines() if line.split()[1:2] == [LEASE]]
    return {row[0]: row[3] for row in rows}


def holder(k: Kubectl) -> str | None:
    """Who holds the lease, as kubectl prints it; the age comes after."""
    printed = k.run("get", "lease", LEASE, "--no-headers").out.split()
    return printed[1] if len(printed) == 3 else None


def spec(k: Kubectl) -> dict:
    return k("get", "lease", LEASE, "-o", "json").json()["spec"]


def renews(k: Kubectl, name: str) -> None:
    """The holder has taken the lease up: it renews it for its own fifteen seconds."""
    until(f"{name} renews", lambda: (it := spec(k))["leaseDurationSeconds"] == 15 and it["holderIdentity"] == name)


def story(k: Kubectl, program: Path, kubeconfig: str, scratch: Path) -> None:
    def manager(name: str, *more: str) -> Manager:
        return Manager(program, kubeconfig, scratch, name, *more)

    def newcomer(known: set[str]) -> str:
        return until("a new candidate", lambda: (set(candidates(k)) - known or {None}).pop())

    with manager("first") as first:
        one = newcomer(set())
        until(f"{one} leads", lambda: holder(k) == one)
        renews(k, one)
        print("ok elected", flush=True)
        with manager("second") as second:
            two = newcomer({one})
            first.kill()
            until(f"{two} leads", lambda: holder(k) == two)
            renews(k, two)
            if spec(k).get("strategy") != "OldestEmulationVersion" or spec(k).get("leaseTransitions") != 1:
                raise Failure(f"after the fail-over the lease is {spec(k)}")
            until("the second leads", lambda: second.says("Successfully acquired lease"))
            print("ok failed over", flush=True)
            with manager("older", "--emulated-version=kube=1.35") as older:
                three = newcomer({one, two})
                if not re.fullmatch(r"1\.35\.\d+", candidates(k)[three]):
                    raise Failure(f"the emulation version of {three} is {candidates(k)[three]}")
                until(f"{three} leads", lambda: holder(k) == three)
                renews(k, three)
                until("the newer one has gone", lambda: second.process.poll() is not None)
                until("the older leads", lambda: older.says("Successfully acquired lease"))
                print("ok made room for an older version", flush=True)


def main() -> int:
    kubeconfig = os.environ.get(KUBECONFIG)
    if not kubeconfig:
        print(f"{KUBECONFIG} is not set; `cargo xtask interop` starts a server and sets it", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="leasehold-kcm-") as scratch:
        try:
            kubectl = Kubectl(finder.find(Path(scratch)), os.path.abspath(kubeconfig), Path(scratch) / "cache", Path(scratch), "kube-system")
            story(kubectl, build(), os.path.abspath(kubeconfig), Path(scratch))
        except finder.NotFound as why:
            print(f"skipped: {why}")
            return NOT_HERE
        except Failure as failure:
            print(f"FAILED: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
