"""A server that fails, in whichever way, is asked again and again, but never without a pause."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from jitgress.kube.client import Object
from jitgress.kube.errors import ForbiddenError, KubeError, UnreachableError, error_of
from jitgress.kube.reflector import Reflector
from jitgress.kube.resources import CONFIG_MAPS
from tests.simulators.kube_api import Call, SimulatedApi
from tests.simulators.virtual_time import VirtualClock
from tests.unit.kube.far_api import FarApi

HOUR_S = 3600
LONGEST_WAIT_S = 10
A_LITTLE_S = 0.001


@dataclass(slots=True)
class Calls:
    """When which call was made; those with a verb in `errors` fail."""

    clock: VirtualClock
    errors: dict[str, Callable[[], KubeError]]
    made: list[tuple[float, str]] = field(default_factory=list)

    def take(self, call: Call) -> None:
        self.made.append((self.clock.monotonic(), call.verb))
        if call.verb in self.errors:
            error = self.errors[call.verb]()
            raise error

    def times(self, verb: str) -> list[float]:
        return [at for at, made in self.made if made == verb]


async def follow(clock: VirtualClock, errors: dict[str, Callable[[], KubeError]], seconds: float) -> Calls:
    """Let a reflector run that long against a server that fails so."""
    calls = Calls(clock, errors)
    reflector = Reflector(SimulatedApi(clock, calls.take), CONFIG_MAPS, clock)
    task = asyncio.create_task(reflector.run())
    await asyncio.sleep(seconds)
    assert not task.done()
    task.cancel()
    return calls


def unreachable() -> KubeError:
    return UnreachableError("gone")


def gone() -> KubeError:
    return error_of(410, "Expired", "too old resource version")


def forbidden() -> KubeError:
    return ForbiddenError("no")


ERRORS = pytest.mark.parametrize("error", [unreachable, gone, forbidden], ids=lambda error: error.__name__)


@ERRORS
async def test_an_hour_without_a_list_costs_a_few_hundred_calls(
    clock: VirtualClock, error: Callable[[], KubeError]
) -> None:
    calls = await follow(clock, {"list_page": error}, HOUR_S)
    assert HOUR_S / LONGEST_WAIT_S <= len(calls.made) <= 2 * HOUR_S / LONGEST_WAIT_S + 20


@ERRORS
async def test_an_hour_without_a_watch_costs_few_lists(clock: VirtualClock, error: Callable[[], KubeError]) -> None:
    calls = await follow(clock, {"watch": error}, HOUR_S)
    assert HOUR_S / (LONGEST_WAIT_S + 1) <= len(calls.times("list_page")) <= 2 * HOUR_S / LONGEST_WAIT_S + 20
    assert len(calls.times("watch")) <= 4 * len(calls.times("list_page"))


async def test_a_watch_that_is_too_old_is_not_tried_again_before_a_list(clock: VirtualClock) -> None:
    calls = await follow(clock, {"watch": gone}, 30)
    assert [verb for _, verb in calls.made][:6] == ["list_page", "watch"] * 3


async def test_waits_grow_and_are_never_the_same(clock: VirtualClock) -> None:
    calls = await follow(clock, {"list_page": unreachable}, HOUR_S)
    waits = [later - earlier for earlier, later in pairwise(calls.times("list_page"))]
    assert min(waits) >= 0.05 - A_LITTLE_S
    assert min(waits[10:]) >= LONGEST_WAIT_S / 2 - A_LITTLE_S
    assert max(waits) <= LONGEST_WAIT_S + A_LITTLE_S
    assert len({round(wait, 6) for wait in waits}) > 0.9 * len(waits)


async def test_two_that_lost_the_server_together_dont_come_back_together(clock: VirtualClock) -> None:
    one, other = await asyncio.gather(*(follow(clock, {"list_page": unreachable}, HOUR_S) for _ in range(2)))
    together = set(one.times("list_page")[1:]) & set(other.times("list_page")[1:])
    assert not together


async def test_a_server_that_ends_each_watch_at_once_isnt_asked_without_a_pause(clock: VirtualClock) -> None:
    calls = Calls(clock, {})

    class Impatient(SimulatedApi):
        async def watch(self, *_: object, **__: object) -> AsyncGenerator[Object, None]:
            calls.made.append((clock.monotonic(), "watch"))
            nothing: tuple[Object, ...] = ()
            for event in nothing:
                yield event

    reflector = Reflector(Impatient(clock, calls.take), CONFIG_MAPS, clock)
    task = asyncio.create_task(reflector.run())
    await asyncio.sleep(HOUR_S)
    task.cancel()
    assert HOUR_S / LONGEST_WAIT_S <= len(calls.times("watch")) <= 2 * HOUR_S / LONGEST_WAIT_S + 20
    assert len(calls.times("list_page")) == 1


async def test_after_a_long_outage_a_later_short_one_isnt_paid_for(clock: VirtualClock) -> None:
    api = FarApi(clock)
    task = asyncio.create_task(Reflector(api, CONFIG_MAPS, clock).run())
    api.line.cut()
    await asyncio.sleep(HOUR_S)
    api.line.mend()
    await asyncio.sleep(HOUR_S)
    api.line.cut()
    await asyncio.sleep(1)
    api.line.mend()
    mended_at = clock.monotonic()
    await asyncio.sleep(10)
    task.cancel()
    assert min(at for at, _ in api.line.sent if at > mended_at) <= mended_at + 1


async def test_a_quiet_hour_costs_a_watch_every_few_minutes(clock: VirtualClock) -> None:
    calls = await follow(clock, {}, HOUR_S)
    assert len(calls.times("list_page")) == 1
    assert HOUR_S / 300 <= len(calls.times("watch")) <= HOUR_S / 240 + 1
