#!/usr/bin/env python3
"""Electors of several languages, contending for one lease on a running Leasehold.

LEASEHOLD_INTEROP_KUBECONFIG names a kubeconfig with all rights, LEASEHOLD_INTEROP_PROGRAM the leasehold program. Arguments
are names of languages (two at least); none means all. `--write FILE` writes the results as a page.

Exit code 0: all passed. 1: something failed. 3: fewer than two of them can run here; the lines printed say why.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

sys.dont_write_bytecode = True  # a test leaves nothing behind

import contenders
import report
from contenders import Contender, NotHere
from matches import match, melee
from running import Failure

TIMERS = {"LEASE_SECONDS": 4, "DEADLINE_SECONDS": 3, "RETRY_SECONDS": 1}
NAMESPACE = "default"
SIDE_BY_SIDE = 5  # pairs; they mostly wait
TOO_FEW = 3


def made_ready(wanted: list[str], scratch: Path) -> list[Contender]:
    """Those that can run here. Says of the others why not."""
    ready = []
    for prepare in contenders.ALL:
        if wanted and prepare.__name__ not in wanted:
            continue
        try:
            ready.append(prepare(scratch))
        except NotHere as why:
            print(f"skipped {prepare.__name__}: {why}", flush=True)
    return ready


def compete(ready: list[Contender], page: Path | None) -> None:
    seconds = TIMERS["LEASE_SECONDS"]

    def one(pair: tuple[Contender, Contender]):
        result = match(NAMESPACE, *pair, seconds)
        times = f"{result.after_end:.1f} s after the end, {result.after_kill:.1f} s after the kill"
        print(f"ok {result.second} takes over from {result.first}: {times}", flush=True)
        return result

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        hand_overs = list(pool.map(one, permutations(ready, 2)))
    order = melee(NAMESPACE, ready, seconds)
    print(f"ok one at a time: {', '.join(order)}", flush=True)
    if page:
        page.write_text(report.page(ready, hand_overs, order, TIMERS))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("language", nargs="*", choices=[each.__name__ for each in contenders.ALL] + [[]])
    parser.add_argument("--write", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    kubeconfig = os.environ.get("LEASEHOLD_INTEROP_KUBECONFIG")
    if not kubeconfig:
        print("LEASEHOLD_INTEROP_KUBECONFIG is not set; `cargo xtask interop` sets it", file=sys.stderr)
        return 2
    os.environ["KUBECONFIG"] = os.path.abspath(kubeconfig)
    os.environ.update({name: str(value) for name, value in TIMERS.items()})
    with tempfile.TemporaryDirectory(prefix="leasehold-elections-") as scratch:
        ready = made_ready(arguments.language, Path(scratch))
        if len(ready) < 2:
            return TOO_FEW
        try:
            compete(ready, arguments.write)
        except Failure as failure:
            print(f"FAILED {failure}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
