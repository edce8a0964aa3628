#!/usr/bin/env python3
"""A real kubectl against a running Leasehold, asserting on what kubectl prints.

LEASEHOLD_INTEROP_KUBECONFIG names a kubeconfig with all rights. It is not KUBECONFIG, so that nobody runs this against
the cluster he works with by mistake. $KUBECTL names a kubectl; finder.py says what happens without it. Arguments are
names of scenarios (or parts of names); none means all.

Exit code 0: all passed. 1: some failed. 3: there is no kubectl, and the one line printed says why.
"""

import os
import secrets
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

sys.dont_write_bytecode = True  # a test leaves nothing behind

import finder
import scenarios  # noqa: F401  (registers them)
from harness import SCENARIOS, Failure, Kubectl

KUBECONFIG = "LEASEHOLD_INTEROP_KUBECONFIG"
SIDE_BY_SIDE = 4  # kubectl mostly computes; more than a few only compete
NO_KUBECTL = 3


class Runner:
    """Runs scenarios, each in a namespace and a directory of its own."""

    def __init__(self, kubectl: str, kubeconfig: str, scratch: Path):
        self.kubectl, self.kubeconfig, self.scratch = kubectl, kubeconfig, scratch
        self.printing = threading.Lock()

    def run(self, scenario: Callable[[Kubectl], None]) -> bool:
        """Whether it passed; prints which."""
        name = scenario.__name__
        namespace = f"k-{name.replace('_', '-')[:40].rstrip('-')}-{secrets.token_hex(3)}"
        directory = self.scratch / namespace
        directory.mkdir()
        kubectl = Kubectl(self.kubectl, self.kubeconfig, self.scratch / "cache", directory, namespace)
        why = why_failed(lambda: (kubectl("create", "namespace", namespace), scenario(kubectl)))
        # The scenario may have moved on to another namespace, or deleted its own.
        removal = why_failed(lambda: kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found"))
        why = why or removal
        with self.printing:
            print(f"ok {name}" if why is None else f"FAILED {name}: {why}", flush=True)
        return why is None


def why_failed(action: Callable[[], object]) -> str | None:
    """What went wrong, if something did."""
    try:
        action()
        return None
    except Failure as failure:
        return str(failure)
    except Exception as error:  # A reply that the scenario did not expect; the others go on.
        return f"{type(error).__name__}: {error}"


def main(wanted: list[str]) -> int:
    kubeconfig = os.environ.get(KUBECONFIG)
    if not kubeconfig:
        print(f"{KUBECONFIG} is not set; `cargo xtask interop` starts a server and sets it", file=sys.stderr)
        return 2
    chosen = [s for s in SCENARIOS if not wanted or any(part in s.__name__ for part in wanted)]
    if not chosen:
        print(f"no scenario is called like any of: {' '.join(wanted)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="leasehold-kubectl-") as scratch:
        try:
            kubectl = finder.find(Path(scratch))
        except finder.NotFound as why:
            print(f"skipped: {why}")
            return NO_KUBECTL
        runner = Runner(kubectl, os.path.abspath(kubeconfig), Path(scratch))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            passed = list(pool.map(runner.run, chosen))
    failed = passed.count(False)
    print(f"{len(passed) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
