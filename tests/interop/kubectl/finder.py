"""Finds a kubectl: $KUBECTL, else a recent one in PATH, else one built from the pinned Go module in build/."""

import json
import os
import shutil
import subprocess
from pathlib import Path

OLDEST = (1, 30)
BUILD = Path(__file__).parent / "build"
BUILD_SECONDS_MAX = 900  # a cold build compiles most of client-go; a warm one takes a second


class NotFound(Exception):
    """No kubectl here, and why, in one line."""


def find(scratch: Path) -> str:
    """The program's path. One that has to be built goes to `scratch`."""
    if chosen := os.environ.get("KUBECTL"):
        return chosen
    installed = shutil.which("kubectl")
    if installed and client_version(installed) >= OLDEST:
        return installed
    if not shutil.which("go"):
        wanted = ".".join(map(str, OLDEST))
        raise NotFound(f"no kubectl {wanted} or later in PATH, and no Go to build one with (or name one in $KUBECTL)")
    return build(scratch)


def client_version(kubectl: str) -> tuple[int, int]:
    """Major and minor version; (0, 0) for a program that does not say."""
    try:
        told = subprocess.run([kubectl, "version", "--client", "-o", "json"], capture_output=True, timeout=30)
        version = json.loads(told.stdout)["clientVersion"]
        return int(version["major"]), int(version["minor"].rstrip("+"))
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        return (0, 0)


def build(scratch: Path) -> str:
    """Builds the pinned version. Go's own cache makes the second time quick."""
    target = scratch / "kubectl"
    flags = f"-X k8s.io/component-base/version.gitVersion={pinned_version()}"
    command = ["go", "build", "-mod=readonly", "-ldflags", flags, "-o", str(target), "."]
    try:
        done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise NotFound(f"building kubectl took more than {BUILD_SECONDS_MAX} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise NotFound(f"kubectl cannot be built: {last}")
    return str(target)


def pinned_version() -> str:
    """The version that go.mod names: kubectl refuses to compare versions when its own was not set by its build."""
    lines = (BUILD / "go.mod").read_text().splitlines()
    return next(line.split()[-1] for line in lines if "k8s.io/kubectl v" in line).replace("v0.", "v1.")
