import asyncio
import signal

import pytest
from structlog.testing import capture_logs

from jitgress.cli.process import until_told
from jitgress.domain.errors import InvalidValueError


async def test_told_to_stop_every_part_is_cancelled_and_waited_for() -> None:
    ended: list[str] = []

    async def part(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async def tells() -> None:
        signal.raise_signal(signal.SIGTERM)

    await until_told([part("operator"), part("portal"), tells()])

    assert sorted(ended) == ["operator", "portal"]


async def test_a_part_that_fails_ends_the_process_with_its_own_error() -> None:
    ended: list[str] = []

    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("portal")

    async def fails() -> None:
        raise InvalidValueError("the address is taken", remedy="Choose another.")

    with pytest.raises(InvalidValueError, match="the address is taken"):
        await until_told([part(), fails()])

    assert ended == ["portal"]


async def test_a_defect_of_a_part_is_logged_with_where_it_was() -> None:
    async def fails() -> None:
        raise RuntimeError

    with capture_logs() as logged, pytest.raises(ExceptionGroup):
        await until_told([fails()])

    assert [(each["event"], each["exc_info"]) for each in logged] == [("defect", True)]
