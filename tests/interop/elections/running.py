"""A contender's process, and what it has said."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from contenders import Contender

WAIT_SECONDS_MAX = 60  # generous: several runtimes start at once on a small machine


T = TypeVar("T")


class Failure(Exception):
    """What should have happened and did not."""


class Running:
    """A contender at work on one lease. Ends with the `with` block, however that ends."""

    def __init__(self, contender: Contender, namespace: str, lease: str, number: int):
        self.contender = contender
        self.identity = f"{contender.name.lower()}-{number}"
        self.said: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            contender.command(namespace, lease, self.identity),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.complaints = ""
        self.readers = [threading.Thread(target=self._listen), threading.Thread(target=self._collect)]
        for reader in self.readers:
            reader.start()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_) -> None:
        self._signal_all(signal.SIGKILL)
        self.process.wait()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def leads_since(self) -> float | None:
        """When it last said that it leads, unless it has stopped since or is gone."""
        at, what = self.said[-1] if self.said else (0.0, "")
        return at if what == "leads" and self.process.poll() is None else None

    def end(self) -> None:
        """Asks it to end."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it as a power cut would: the process, and nothing that could tidy up behind it."""
        self.process.send_signal(signal.SIGKILL)

    def wait_until_it_leads(self) -> float:
        """When it began to."""
        return wait(self.leads_since, f"{self.identity} to lead", lambda: self.complaints)

    def wait_until_it_ends(self) -> None:
        wait(lambda: self.process.poll() is not None or None, f"{self.identity} to end", lambda: self.complaints)

    def _listen(self) -> None:
        for line in self.process.stdout:
            if (what := line.strip()) in ("leads", "stopped"):
                self.said.append((time.monotonic(), what))

    def _collect(self) -> None:
        for line in self.process.stderr:
            self.complaints = (self.complaints + line)[-2000:]

    def _signal_all(self, number: int) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


def wait(look: Callable[[], T | None], what: str, more: Callable[[], str]) -> T:
    """Looks until there is something."""
    end = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < end:
        if (seen := look()) is not None:
            return seen
        time.sleep(0.01)
    raise Failure(f"waited {WAIT_SECONDS_MAX} s for {what}. It wrote:\n{more()}")
