"""One acts, another takes over: in time, and never too early."""

import asyncio
from typing import Any

import pytest

from jitgress.domain.errors import InvalidValueError
from jitgress.kube.errors import ForbiddenError, UnreachableError
from jitgress.kube.lease import Elector
from jitgress.kube.resources import LEASES
from tests.builders import seconds
from tests.simulators.kube_api import Call
from tests.simulators.virtual_time import VirtualClock
from tests.unit.kube.electors import a_process, record, running, some_settings
from tests.unit.kube.far_api import FarApi, Line

DURATION_S = 15
DEADLINE_S = 10
RETRY_S = 2
LONGEST_RETRY_S = 1.2 * RETRY_S
A_LITTLE_S = 0.001


@pytest.fixture
def api(clock: VirtualClock) -> FarApi:
    return FarApi(clock)


async def test_the_first_leads_at_once_and_keeps_leading(api: FarApi, clock: VirtualClock) -> None:
    first, second = a_process(api, clock, "a"), a_process(api, clock, "b")
    async with running(first, second):
        await asyncio.sleep(3600)
        assert first.acted == [[0.0]]
        assert second.acted == []
        assert (await record(api))["leaseTransitions"] == 0


async def test_the_lease_says_since_when_its_holder_has_it(api: FarApi, clock: VirtualClock) -> None:
    """Kubernetes, LeaseSpec: acquireTime is when the current lease was acquired, renewTime when it was last renewed."""
    first, second = a_process(api, clock, "a"), a_process(api, clock, "b")
    async with running(first, second):
        await asyncio.sleep(1)
        acquired = (await record(api))["acquireTime"]
        await asyncio.sleep(60)
        renewed = await record(api)
        await first.stop()
        await asyncio.sleep(LONGEST_RETRY_S + A_LITTLE_S)
        taken = await record(api)

    assert acquired == renewed["acquireTime"] < renewed["renewTime"] < taken["acquireTime"]


async def test_a_released_lease_is_taken_at_the_next_look(api: FarApi, clock: VirtualClock) -> None:
    first, second = a_process(api, clock, "a"), a_process(api, clock, "b")
    async with running(first, second):
        await asyncio.sleep(60)
        await first.stop()
        assert (await record(api))["holderIdentity"] == ""
        await asyncio.sleep(LONGEST_RETRY_S + A_LITTLE_S)
        assert second.is_acting()
        assert (await record(api))["leaseTransitions"] == 1


async def test_the_lease_is_given_up_only_after_the_last_act_has_ended(api: FarApi, clock: VirtualClock) -> None:
    process = a_process(api, clock, "a")
    ended_at: list[float] = []

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(3)
            ended_at.append(clock.monotonic())

    process.task = asyncio.create_task(process.elector.lead(slow_to_end))
    await asyncio.sleep(1)
    await process.stop()
    released_at = [at for at, verb in process.line.sent if verb == "replace"]
    assert ended_at == [4.0]
    assert released_at == [4.0]


async def test_a_dead_leader_is_replaced_after_its_duration_and_soon_after(api: FarApi, clock: VirtualClock) -> None:
    first, second = a_process(api, clock, "a"), a_process(api, clock, "b")
    async with running(first, second):
        await asyncio.sleep(61)
        await first.die()
        renewed_at = max(at for at, verb in first.line.sent if verb == "replace")
        await asyncio.sleep(60)
        took_over_after_s = second.acted[0][0] - renewed_at
        assert DURATION_S <= took_over_after_s <= DURATION_S + 2 * LONGEST_RETRY_S


async def test_one_that_is_cut_off_stops_acting_no_later_than_it_may_act(api: FarApi, clock: VirtualClock) -> None:
    first, second = a_process(api, clock, "a"), a_process(api, clock, "b")
    async with running(first, second):
        await asyncio.sleep(61)
        renewed_at = max(at for at, verb in first.line.sent if verb == "get")
        first.line.cut()
        await asyncio.sleep(60)
        stopped_at = first.acted[0][1]
        assert stopped_at <= renewed_at + DEADLINE_S + A_LITTLE_S
        assert stopped_at < second.acted[0][0]


async def test_one_whose_call_hangs_stops_acting_in_time(api: FarApi, clock: VirtualClock) -> None:
    process = a_process(api, clock, "a")
    async with running(process):
        await asyncio.sleep(61)
        renewed_at = max(at for at, verb in process.line.sent if verb == "get")
        process.line.there_s = 1000
        await asyncio.sleep(60)
        assert process.acted[0][1] <= renewed_at + DEADLINE_S + A_LITTLE_S
        assert not process.elector.may_act()


async def test_an_outage_shorter_than_the_deadline_interrupts_nobody(api: FarApi, clock: VirtualClock) -> None:
    process = a_process(api, clock, "a")
    async with running(process):
        await asyncio.sleep(61)
        process.line.cut()
        await asyncio.sleep(DEADLINE_S - RETRY_S - 1)
        process.line.mend()
        await asyncio.sleep(600)
        assert process.acted == [[0.0]]


async def test_after_an_outage_it_leads_again(api: FarApi, clock: VirtualClock) -> None:
    process = a_process(api, clock, "a")
    async with running(process):
        await asyncio.sleep(61)
        process.line.cut()
        await asyncio.sleep(600)
        assert not process.is_acting()
        process.line.mend()
        await asyncio.sleep(LONGEST_RETRY_S + A_LITTLE_S)
        assert process.is_acting()


async def test_a_deadline_counts_from_the_sending_not_from_the_answer(api: FarApi, clock: VirtualClock) -> None:
    line = Line()
    line.there_s = line.back_s = 2
    elector = Elector(api.over(line), some_settings(), clock)
    await elector.try_once()
    answered_at = clock.monotonic()
    assert answered_at > 5
    assert elector.may_act()
    await asyncio.sleep(DEADLINE_S - answered_at)
    assert not elector.may_act()


async def test_an_answer_that_comes_after_the_deadline_makes_no_leader(api: FarApi, clock: VirtualClock) -> None:
    process = a_process(api, clock, "a")
    process.line.there_s = DEADLINE_S
    async with running(process):
        await asyncio.sleep(120)
        assert process.acted == []


async def test_a_lease_that_somebody_deleted_is_not_taken_while_its_holder_may_act(
    api: FarApi, clock: VirtualClock
) -> None:
    first, second = a_process(api, clock, "a"), a_process(api, clock, "b")
    async with running(first, second):
        await asyncio.sleep(60)
        first.line.pause()
        await api.delete(LEASES, "lease", "jitgress-system")
        for _ in range(60):
            await asyncio.sleep(1)
            assert not (first.elector.may_act() and second.elector.may_act())
        assert second.is_acting()


async def test_two_that_create_the_lease_at_the_same_moment_dont_both_lead(api: FarApi, clock: VirtualClock) -> None:
    electors = [a_process(api, clock, identity).elector for identity in "abc"]
    held = await asyncio.gather(*(elector.try_once() for elector in electors))
    assert sorted(held) == [False, False, True]
    assert [elector.may_act() for elector in electors] == list(held)


async def test_one_that_acted_to_its_end_doesnt_begin_again_without_a_pause(api: FarApi, clock: VirtualClock) -> None:
    process = a_process(api, clock, "a")

    async def nothing() -> None:
        process.acted.append([clock.monotonic()])

    process.task = asyncio.create_task(process.elector.lead(nothing))
    await asyncio.sleep(60)
    await process.stop()
    assert 60 / LONGEST_RETRY_S <= len(process.acted) <= 60 / (0.8 * RETRY_S) + 1


async def test_what_breaks_the_work_ends_the_leading_and_gives_the_lease_up(api: FarApi, clock: VirtualClock) -> None:
    elector = Elector(api, some_settings(), clock)

    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await elector.lead(broken)
    assert (await record(api))["holderIdentity"] == ""


@pytest.mark.parametrize("error", [UnreachableError("gone"), ForbiddenError("no")], ids=lambda error: error.code)
async def test_a_lease_that_cant_be_given_up_stops_no_end(
    api: FarApi, clock: VirtualClock, error: UnreachableError | ForbiddenError
) -> None:
    elector = Elector(api, some_settings(), clock)
    await elector.try_once()

    def refuse(_: Call) -> None:
        raise error

    api.before_call = refuse
    await elector.release()
    assert not elector.may_act()


async def test_who_doesnt_hold_the_lease_gives_up_nobody_elses(api: FarApi, clock: VirtualClock) -> None:
    first, second = (Elector(api, some_settings(identity), clock) for identity in "ab")
    await first.try_once()
    await second.try_once()
    await second.release()
    assert (await record(api))["holderIdentity"] == "a"


async def taken_over(api: FarApi, clock: VirtualClock) -> tuple[Elector, Elector]:
    """Return one that led and doesn't know that it was given up for dead, and the one that leads."""
    first, second = (Elector(api, some_settings(identity), clock) for identity in "ab")
    await first.try_once()
    await second.try_once()
    await asyncio.sleep(DURATION_S)
    assert await second.try_once()
    return first, second


async def test_who_was_given_up_for_dead_gives_up_nobody_elses_lease(api: FarApi, clock: VirtualClock) -> None:
    first, _ = await taken_over(api, clock)
    await first.release()
    assert (await record(api))["holderIdentity"] == "b"


async def test_who_leads_makes_a_deleted_lease_anew_and_goes_on(api: FarApi, clock: VirtualClock) -> None:
    _, second = await taken_over(api, clock)
    await api.delete(LEASES, "lease", "jitgress-system")
    assert await second.try_once()
    assert (await record(api))["holderIdentity"] == "b"


async def test_others_are_told_no_shorter_duration_than_is_held(api: FarApi, clock: VirtualClock) -> None:
    settings = some_settings(duration=seconds(3.5), renew_deadline=seconds(3.2), retry=seconds(1))
    await Elector(api, settings, clock).try_once()
    assert (await record(api))["leaseDurationSeconds"] == 4


@pytest.mark.parametrize(
    "change",
    [
        {"duration": seconds(10)},
        {"renew_deadline": seconds(15)},
        {"renew_deadline": seconds(2)},
        {"retry": seconds(0)},
        {"retry": seconds(-1)},
    ],
    ids=["duration", "long deadline", "short deadline", "no retry", "negative retry"],
)
def test_times_that_dont_keep_apart_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError):
        some_settings(**change)
