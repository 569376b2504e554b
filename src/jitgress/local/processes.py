"""Processes that outlive the command that started them: each with a record of its pid and start time, and a log.

Only a process whose start time is the recorded one is ever signalled: a pid alone may belong to somebody else by now.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Running:
    """A started process: `started` is its start time in clock ticks since boot (proc(5), starttime)."""

    name: str
    pid: int
    started: int


class Processes:
    """The processes of one stack, by the records in its folder."""

    def __init__(self, records: Path, logs: Path) -> None:
        self._records = records
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Running:
        """Start a process in a session of its own; what it prints goes to its log."""
        self._records.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        self._children[name] = process
        running = Running(name, process.pid, _start_time(process.pid) or 0)
        record = {"pid": running.pid, "started": running.started}
        draft = self._records / f"{name}.draft"
        draft.write_text(json.dumps(record))
        draft.replace(self._records / f"{name}.json")  # whole or not at all, whoever is killed meanwhile
        return running

    def log(self, name: str) -> Path:
        """Return the log of the process `name`."""
        return self._logs / f"{name}.log"

    def known(self) -> dict[str, Running]:
        """Return every process that was started here, alive or not."""
        found: dict[str, Running] = {}
        for path in sorted(self._records.glob("*.json")):
            record = json.loads(path.read_text())
            found[path.stem] = Running(path.stem, record["pid"], record["started"])
        return found

    def stop(self, running: Running, patience_s: float = 5.0) -> None:
        """End a process and its children: politely, then by force. Returns once it is gone."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not is_alive(running):
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, number)
            deadline = time.monotonic() + patience_s
            while is_alive(running) and time.monotonic() < deadline:
                time.sleep(_TICK_S)
        if child := self._children.pop(running.name, None):
            child.wait(patience_s)  # its first thread may be gone before the others
        (self._records / f"{running.name}.json").unlink(missing_ok=True)

    def last_words(self, name: str, lines: int = 12) -> str:
        """Return the end of a process's log."""
        log = self.log(name)
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def is_alive(running: Running) -> bool:
    """Tell whether the very process that was started still runs."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(running.pid, os.WNOHANG)  # a dead child of our own would look alive until it is waited for
    return running.started != 0 and _start_time(running.pid) == running.started


def _start_time(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])
