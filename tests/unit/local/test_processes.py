"""Processes outlive the command that started them, and nobody else's is ever signalled."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from jitgress.local.processes import Processes, Running, is_alive

SLEEP: Final = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF: Final = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """End by name what the test left running."""
    some = Processes(tmp_path / "processes", tmp_path / "logs")
    yield some
    for running in some.known().values():
        some.stop(running)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's process."""
    process = subprocess.Popen(SLEEP, start_new_session=True)
    yield process
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """A pipe that a process opens once it has said all: who reads from it waits for that."""
    os.mkfifo(tmp_path / "done")
    return tmp_path / "done"


def talking(done: Path, code: str, then: str = "") -> list[str]:
    """Return the command of a process that runs `code`, says in `done` that it has, and runs `then`."""
    return [sys.executable, "-c", f"{code}\nimport sys\nsys.stdout.flush()\nopen({str(done)!r}, 'w').close()\n{then}"]


def wait_for_the_end(running: Running) -> None:
    os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)


def test_what_was_started_runs_and_is_known_to_the_next_command(processes: Processes, tmp_path: Path) -> None:
    running = processes.start("sleeper", SLEEP)

    known = Processes(tmp_path / "processes", tmp_path / "logs").known()

    assert known == {"sleeper": running}
    assert is_alive(running)


def test_a_stopped_process_is_gone_with_its_record(processes: Processes) -> None:
    running = processes.start("sleeper", SLEEP)

    processes.stop(running)

    assert not is_alive(running)
    assert processes.known() == {}


def test_a_process_that_heeds_no_request_is_ended_by_force(processes: Processes, done: Path) -> None:
    running = processes.start("stubborn", talking(done, DEAF, "import time; time.sleep(600)"))
    done.read_bytes()

    processes.stop(running, patience_s=0.05)

    assert not is_alive(running)


def test_a_process_that_another_command_started_can_be_stopped(processes: Processes, tmp_path: Path) -> None:
    running = processes.start("sleeper", SLEEP)

    Processes(tmp_path / "processes", tmp_path / "logs").stop(running)

    assert not is_alive(running)
    processes.stop(running)  # what is gone already can be stopped, too


def test_a_process_with_another_start_time_is_not_ours_and_is_left_alone(
    processes: Processes, stranger: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (tmp_path / "processes").mkdir()
    record = tmp_path / "processes" / "sleeper.json"
    record.write_text(json.dumps({"pid": stranger.pid, "started": 12345}))

    recorded = processes.known()["sleeper"]
    processes.stop(recorded)

    assert not is_alive(recorded)
    assert stranger.poll() is None
    assert not record.exists()


def test_a_process_without_a_recorded_start_time_is_nobodys(stranger: subprocess.Popen[bytes]) -> None:
    assert not is_alive(Running("sleeper", stranger.pid, 0))


def test_a_process_that_died_by_itself_is_dead_and_stays_known_until_it_is_stopped(processes: Processes) -> None:
    running = processes.start("short", [sys.executable, "-c", ""])
    wait_for_the_end(running)

    assert not is_alive(running)
    assert processes.known() == {"short": running}
    processes.stop(running)
    assert processes.known() == {}


def test_a_zombie_counts_as_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    started = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19])
    running = Running("child", child.pid, started)
    assert is_alive(running)

    child.communicate(b"\n")

    assert not is_alive(running)
    assert not is_alive(replace(running, pid=2**22 + 1))


def test_the_last_words_are_the_end_of_what_it_printed(processes: Processes, done: Path) -> None:
    code = "import sys\nfor i in range(20): print('line', i)\nsys.stdout.flush()\nprint('oh no', file=sys.stderr)"
    processes.start("talker", talking(done, code))
    done.read_bytes()

    assert processes.last_words("talker", 2) == "line 19\noh no"
    assert len(processes.last_words("talker").splitlines()) == 12


def test_a_process_that_never_was_has_no_last_words(processes: Processes) -> None:
    assert processes.last_words("nobody") == ""
    assert processes.known() == {}


def test_what_is_not_text_is_told_all_the_same(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    processes.log("odd").write_bytes(b"\xff\xfe broken\n")

    assert processes.last_words("odd").endswith("broken")


def test_a_process_started_again_goes_on_in_the_same_log(processes: Processes, done: Path) -> None:
    for word in ("first", "second"):
        running = processes.start("talker", talking(done, f"print('{word}')"))
        done.read_bytes()
        processes.stop(running)

    assert processes.last_words("talker") == "first\nsecond"


def test_a_process_gets_its_own_environment_beside_the_machines(processes: Processes, done: Path) -> None:
    code = "import os; print(os.environ['MINE'], 'PATH' in os.environ)"
    processes.start("reader", talking(done, code), {"MINE": "yes"})
    done.read_bytes()

    assert processes.last_words("reader") == "yes True"
