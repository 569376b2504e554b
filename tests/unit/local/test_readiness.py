"""The stack is ready when every check holds; otherwise the one part that is to blame is named."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jitgress.domain.clock import SystemClock
from jitgress.local.control_plane.server import NotReadyError
from jitgress.local.processes import Processes
from jitgress.local.readiness import Check, wait_until_ready


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Two parts that run, and have said something."""
    some = Processes(tmp_path / "processes", tmp_path / "logs")
    for name in ("operator", "agent"):
        some.start(name, [sys.executable, "-c", "import time; time.sleep(600)"])
        some.log(name).write_text(f"{name} speaks\n")
    yield some
    for running in some.known().values():
        some.stop(running)


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def test_what_holds_is_not_waited_for(processes: Processes) -> None:
    await wait_until_ready([Check("the gate", "agent", yes)], processes, SystemClock(), ("agent",), patience_s=0)


async def test_what_takes_too_long_names_the_part_behind_it_and_no_other(processes: Processes) -> None:
    wanted = [Check("the portal", "operator", yes), Check("the gate", "agent", no)]

    with pytest.raises(NotReadyError, match="the gate did not get ready: it took longer") as raised:
        await wait_until_ready(wanted, processes, SystemClock(), ("operator", "agent"), patience_s=-1)

    assert raised.value.message.splitlines()[1:] == ["agent speaks"]


async def test_a_part_that_died_is_to_blame_whatever_is_waited_for(processes: Processes) -> None:
    processes.stop(processes.known()["operator"])

    with pytest.raises(NotReadyError, match="the gate did not get ready: operator ended") as raised:
        await wait_until_ready([Check("the gate", "agent", no)], processes, SystemClock(), ("operator", "agent"))

    assert raised.value.message.splitlines()[1:] == ["operator speaks"]
