"""The electors that contend: how each is made ready, and how it is started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PREPARE_SECONDS_MAX = 600  # a cold build compiles most of client-go; a warm one takes a second
IN_WORK = 'echo leads; trap "echo stopped; exit" TERM; while :; do sleep 0.1; done'


class NotHere(Exception):
    """What this machine lacks for one of them, in one line."""


@dataclass(frozen=True)
class Contender:
    """One elector, ready to run."""

    name: str
    library: str
    releases: bool  # whether it gives its lease back when it is asked to end
    command: Callable[[str, str, str], list[str]]  # of namespace, lease and identity


def go(scratch: Path) -> Contender:
    """client-go's leaderelection."""
    need("go")
    program = scratch / "contender-go"
    prepare(["go", "build", "-mod=readonly", "-o", str(program), "."], "go")
    version = pinned(HERE / "go/go.mod", "k8s.io/client-go ")
    return Contender("Go", f"client-go {version}", True, lambda *what: [str(program), *what])


def python(scratch: Path) -> Contender:
    """The official client's kubernetes.leaderelection."""
    prepare([sys.executable, "-m", "venv", str(scratch / "venv")], ".")
    interpreter = str(scratch / "venv/bin/python")
    prepare([interpreter, "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"], "python")
    version = pinned(HERE / "python/requirements.txt", "kubernetes==")
    program = str(HERE / "python/contender.py")
    # Killed, it holds its lease to the end: the library has no way to give it back.
    return Contender("Python", f"kubernetes {version}", False, lambda *what: [interpreter, program, *what])


def node(scratch: Path) -> Contender:
    """A plain loop on the official client, which has no elector."""
    need("node"), need("npm")
    directory = scratch / "node"
    shutil.copytree(HERE / "node", directory, ignore=shutil.ignore_patterns("node_modules"))
    prepare(["npm", "ci", "--silent", "--no-audit", "--no-fund"], directory)
    version = pinned(HERE / "node/package.json", '"@kubernetes/client-node": ').strip('"} ,')
    return Contender("JavaScript", f"client-node {version}", True, lambda *what: ["node", f"{directory}/contender.mjs", *what])


def java(scratch: Path) -> Contender:
    """fabric8's LeaderElector."""
    need("mvn"), need("javac")
    jars, classes = scratch / "java/jars", scratch / "java/classes"
    copy = ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
    prepare([*copy, f"-Dproject.build.directory={scratch / 'java'}"], "java")
    prepare(["javac", "-cp", f"{jars}/*", "-d", str(classes), "Contender.java"], "java")
    version = pinned(HERE / "java/pom.xml", "<version>", last=True).removesuffix("</version>")
    # A small machine runs several of them at once: compile little, collect with one thread.
    thrifty = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{jars}/*:{classes}"]
    return Contender("Java", f"fabric8 {version}", True, lambda *what: ["java", *thrifty, "Contender", *what])


def rust(_scratch: Path) -> Contender:
    """This project's elector, as `leasehold elect` runs it."""
    program = os.environ.get("LEASEHOLD_INTEROP_PROGRAM") or shutil.which("leasehold")
    if not program:
        raise NotHere("no leasehold program: name one in $LEASEHOLD_INTEROP_PROGRAM")

    def command(namespace: str, lease: str, identity: str) -> list[str]:
        timers = [f"--{name}={os.environ[variable]}s" for name, variable in TIMERS.items()]
        return [program, "elect", lease, "-n", namespace, "--identity", identity, *timers, "--", "sh", "-c", IN_WORK]

    return Contender("Rust", "leasehold elect", True, command)


TIMERS = {"duration": "LEASE_SECONDS", "deadline": "DEADLINE_SECONDS", "retry": "RETRY_SECONDS"}
ALL = (rust, go, python, node, java)


def need(program: str) -> None:
    if not shutil.which(program):
        raise NotHere(f"no {program} in PATH")


def prepare(command: list[str], directory: Path | str) -> None:
    try:
        done = subprocess.run(command, cwd=HERE / directory, capture_output=True, text=True, timeout=PREPARE_SECONDS_MAX)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        last = ((done.stderr + done.stdout).strip().splitlines() or ["no output"])[-1]
        raise NotHere(f"{Path(command[0]).name} {command[1]} failed: {last}")


def pinned(file: Path, before: str, last: bool = False) -> str:
    """What stands behind these words in a file that pins versions."""
    found = [line.split(before, 1)[1].strip() for line in file.read_text().splitlines() if before in line]
    return found[-1 if last else 0]
