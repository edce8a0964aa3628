"""What the scenarios are written with: a kubectl bound to a namespace, things to send, and checks that say what they saw."""

import json
import os
import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Callable

COMMAND_SECONDS_MAX = 30
SHOWN_MAX = 2000

SCENARIOS: list[Callable[["Kubectl"], None]] = []


def scenario(function: Callable[["Kubectl"], None]) -> Callable[["Kubectl"], None]:
    """Registers a scenario. It runs in a namespace of its own, beside others."""
    SCENARIOS.append(function)
    return function


def shorten(text: str) -> str:
    """What a report has room for."""
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}… ({len(text)} characters)"


class Failure(Exception):
    """The server or kubectl did something else than the scenario wants."""


@dataclass(frozen=True)
class Result:
    """How a command ended and what it printed."""

    command: str
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"$ {self.command}\nexit {self.code}\nstdout: {shorten(self.out)}\nstderr: {shorten(self.err)}"

    def json(self) -> dict:
        """Standard output, which has to be JSON."""
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise Failure(f"not JSON ({error}):\n{self}") from None

    def says(self, *parts: str) -> "Result":
        """Standard output has each of these texts."""
        return self._has(self.out, "stdout", parts)

    def complains(self, *parts: str) -> "Result":
        """Standard error has each of these texts."""
        return self._has(self.err, "stderr", parts)

    def matches(self, pattern: str) -> "Result":
        """The whole of standard output matches; white space around it does not count."""
        if not re.fullmatch(pattern, self.out.strip()):
            raise Failure(f"stdout does not match {pattern!r}:\n{self}")
        return self

    def lacks(self, *parts: str) -> "Result":
        """Standard output has none of these texts."""
        for part in parts:
            if part in self.out:
                raise Failure(f"stdout has {part!r}:\n{self}")
        return self

    def _has(self, text: str, stream: str, parts: tuple[str, ...]) -> "Result":
        for part in parts:
            if part not in text:
                raise Failure(f"{stream} lacks {part!r}:\n{self}")
        return self


class Kubectl:
    """Runs kubectl in one namespace, as the user of one kubeconfig."""

    def __init__(self, program: str, kubeconfig: str, cache: Path, scratch: Path, namespace: str):
        self.program = program
        self.scratch = scratch
        self.namespace = namespace
        # Another server may have had this port: its cached discovery must not be believed. What the developer set up
        # for kubectl (plugins, a differ, an editor) is no part of the test either.
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
        self.environment |= {"KUBECONFIG": kubeconfig, "KUBECACHEDIR": str(cache), "HOME": str(scratch), "TMPDIR": str(scratch)}

    def __call__(self, *arguments: str, stdin: object = None, code: int = 0, **environment: str) -> Result:
        """Runs to the end and checks the exit code. `stdin` is text, or an object that is sent as JSON."""
        result = self.run(*arguments, stdin=stdin, **environment)
        if result.code != code:
            raise Failure(f"exit code is not {code}:\n{result}")
        return result

    def run(self, *arguments: str, stdin: object = None, **environment: str) -> Result:
        """Runs to the end, however that is."""
        command = self._command(arguments)
        text = stdin if isinstance(stdin, str) or stdin is None else json.dumps(stdin)
        try:
            done = subprocess.run(
                command,
                input=text or "",
                env=self.environment | environment,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS_MAX,
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"").decode(errors="replace")
            raise Failure(f"no end within {COMMAND_SECONDS_MAX} s: {' '.join(command)}\nstdout: {said}") from None
        return Result(" ".join(["kubectl", *command[1:]]), done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> "Running":
        """Starts a command that goes on, such as a watch."""
        return Running(self._command(arguments), self.environment)

    def file(self, name: str, content: object) -> str:
        """Writes a file for `-f` and returns its path."""
        path = self.scratch / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [self.program, f"--namespace={self.namespace}", *arguments]


class Running:
    """A command that goes on; use it in a `with`, which ends it."""

    def __init__(self, command: list[str], environment: dict[str, str]):
        self.command = " ".join(command)
        self.lines: Queue[str] = Queue()
        self.seen: list[str] = []
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def wait_for(self, pattern: str) -> str:
        """The next line that the pattern is found in."""
        while True:
            try:
                line = self.lines.get(timeout=COMMAND_SECONDS_MAX)
            except Empty:
                seen = "\n".join(self.seen)
                raise Failure(f"no line with {pattern!r} within {COMMAND_SECONDS_MAX} s: {self.command}\n{seen}") from None
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def end(self) -> int:
        """Waits until it ends by itself; its exit code."""
        try:
            return self.process.wait(timeout=COMMAND_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Failure(f"no end within {COMMAND_SECONDS_MAX} s: {self.command}") from None

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


def lease(name: str, holder: str = "holder-1", seconds: int = 15, **metadata: object) -> dict:
    """A Lease, as one would write it into a file."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, **metadata},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds},
    }


def many(*items: dict) -> dict:
    """A `kind: List`."""
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def equal(got: object, wanted: object, what: str = "value") -> None:
    """They are the same."""
    if got != wanted:
        raise Failure(f"{what} is {got!r}, wanted {wanted!r}")
