"""Two real operators on one control plane and one ledger: one leads, the other takes over, and nothing happens twice.

Invariant 7, and what the Lease promises: who was the leader and isn't any more does nothing.
"""

from datetime import datetime

import pytest

from jitgress.domain.event import EventCode
from tests.integration.operator.operator_program import DURATION
from tests.integration.operator.running import TARGETS, Operators

pytestmark = pytest.mark.real

WHOLE_LIFE = ["request.received", "grant.opened", "grant.active", "review.counted", "request.closed", "host.hidden"]
"""Of what is given back."""


async def test_the_second_takes_over_from_a_killed_leader_and_nothing_happens_twice(operators: Operators) -> None:
    first = await operators.start_leader("first")
    await operators.start("second")
    requests = [await operators.ask(target) for target in TARGETS[:3]]
    await operators.until("the first is in the middle", lambda: "record grant.opened" in first.journal())
    first.kill()
    left = await operators.lease()
    requests += [await operators.ask(target) for target in TARGETS[3:]]
    taken = await operators.first_lease_after(left)
    for request in requests:
        await operators.reaches(request, "Active")
        await operators.give_back(request)
    for request in requests:
        await operators.is_hidden(request)
    last_renewed, acquired = (datetime.fromisoformat(each) for each in (left["renewTime"], taken["acquireTime"]))
    assert acquired >= last_renewed + DURATION
    assert taken["leaseTransitions"] == left["leaseTransitions"] + 1
    assert [operators.codes(request) for request in requests] == [WHOLE_LIFE] * len(requests)
    assert await operators.grants() == []


async def test_the_second_takes_over_at_once_from_a_leader_that_ends_orderly(operators: Operators) -> None:
    first = await operators.start_leader("first")
    await operators.start("second")
    request = await operators.ask()
    await operators.reaches(request, "Active")
    held = await operators.lease()
    first.process.terminate()
    first.process.wait(10)
    released = await operators.lease()
    await operators.first_lease_after(held)
    await operators.give_back(request)
    await operators.is_hidden(request)
    assert released["holderIdentity"] in {"", "second"}
    assert operators.codes(request) == WHOLE_LIFE


@pytest.mark.parametrize(
    "recorded",
    [EventCode.REQUEST_RECEIVED, EventCode.GRANT_OPENED, EventCode.ROUTE_PUBLISHED, EventCode.REQUEST_CLOSED],
)
async def test_a_leader_that_slept_through_the_takeover_does_nothing_when_it_wakes(
    operators: Operators, recorded: EventCode
) -> None:
    first = await operators.start_leader("first", stop_after=recorded)
    await operators.start("second")
    request = await operators.ask()
    if recorded is EventCode.REQUEST_CLOSED:
        await operators.reaches(request, "Active")
        await operators.give_back(request)
    await operators.until("the first sleeps", first.is_stopped)
    if recorded is not EventCode.REQUEST_CLOSED:
        await operators.reaches(request, "Active")
        await operators.give_back(request)
    await operators.is_hidden(request)
    done = first.journal()
    first.go_on()
    await operators.until("the first knows that it leads no more", lambda: "leadership_lost" in first.log())
    another = await operators.ask(TARGETS[1])
    await operators.reaches(another, "Active")
    await operators.give_back(another)
    await operators.is_hidden(another)
    assert first.journal() == done
    assert operators.codes(request) == WHOLE_LIFE
    assert await operators.grants() == []
    assert await operators.outside.hosts() == set()
