"""Keys that want work: each once, one worker a key."""

import asyncio

import pytest

from jitgress.kube.backoff import Backoff
from jitgress.kube.work_queue import MOST_PATIENT, PASSED_OVER, WorkQueue
from tests.builders import seconds


@pytest.fixture
def queue() -> WorkQueue[str]:
    return WorkQueue(Backoff(lambda: 0.0, first=seconds(2), cap=seconds(60)))


async def taken(queue: WorkQueue[str]) -> list[str]:
    """Take all that can be taken now."""
    return [await queue.take() for _ in range(len(queue))]


async def test_a_key_added_thrice_is_taken_once(queue: WorkQueue[str]) -> None:
    for _ in range(3):
        queue.add("a")
    assert await taken(queue) == ["a"]


async def test_the_key_that_waits_longest_comes_first(queue: WorkQueue[str]) -> None:
    for key in ("b", "a", "c", "b"):
        queue.add(key)
    assert await taken(queue) == ["b", "a", "c"]


async def test_a_key_that_is_worked_on_is_given_to_nobody_else(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.take()
    queue.add("a")
    assert len(queue) == 0


async def test_a_key_added_while_it_was_worked_on_comes_again_once(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.take()
    queue.add("a")
    queue.add("a")
    queue.done("a")
    assert await taken(queue) == ["a"]
    queue.done("a")
    assert len(queue) == 0


async def test_a_key_that_failed_comes_again_at_once_only_if_it_was_added_meanwhile(queue: WorkQueue[str]) -> None:
    queue.add("quiet")
    queue.add("busy")
    await taken(queue)
    queue.add("busy")
    queue.failed("quiet")
    queue.failed("busy")
    assert await taken(queue) == ["busy"]


async def test_each_failure_of_a_key_makes_its_wait_longer_and_a_success_makes_it_short_again(
    queue: WorkQueue[str],
) -> None:
    waits = []
    for succeeds in (False, False, False, True, False):
        queue.add("a")
        await queue.take()
        if succeeds:
            queue.done("a")
        else:
            waits.append(queue.failed("a"))
    assert waits == [seconds(1), seconds(2), seconds(4), seconds(1)]


async def test_failures_of_one_key_dont_make_another_wait(queue: WorkQueue[str]) -> None:
    for _ in range(5):
        queue.add("broken")
        await queue.take()
        queue.failed("broken")
    queue.add("fine")
    await queue.take()
    assert queue.failed("fine") == seconds(1)


async def test_a_worker_that_waits_is_woken_by_the_next_key(queue: WorkQueue[str]) -> None:
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(3)
    queue.add("a")
    assert await waiting == "a"


async def test_a_worker_cancelled_while_it_waits_takes_no_key_with_it(queue: WorkQueue[str]) -> None:
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add("a")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not waiting.cancelled() or await queue.take() == "a"


async def test_what_changed_goes_before_what_is_only_looked_at_again(queue: WorkQueue[str]) -> None:
    queue.add_patiently("patient")
    queue.add("urgent")

    assert await taken(queue) == ["urgent", "patient"]


async def test_a_patient_key_that_changes_waits_no_longer(queue: WorkQueue[str]) -> None:
    queue.add_patiently("a")
    queue.add_patiently("b")
    queue.add("b")

    assert await taken(queue) == ["b", "a"]


async def test_few_patient_keys_are_worked_on_at_once_and_the_next_when_one_is_done(queue: WorkQueue[str]) -> None:
    for key in "abc":
        queue.add_patiently(key)
    begun = [await queue.take() for _ in range(MOST_PATIENT)]
    waiting = asyncio.create_task(queue.take())
    await asyncio.sleep(1)
    assert not waiting.done()

    queue.done(begun[0])

    assert await waiting == "c"


async def test_what_changed_is_taken_however_many_patient_keys_are_worked_on(queue: WorkQueue[str]) -> None:
    for key in "abc":
        queue.add_patiently(key)
    for _ in range(MOST_PATIENT):
        await queue.take()

    queue.add("urgent")

    assert await queue.take() == "urgent"


async def test_constant_change_holds_a_patient_key_up_for_a_while_only(queue: WorkQueue[str]) -> None:
    queue.add_patiently("patient")
    for number in range(PASSED_OVER + 1):
        queue.add(f"urgent-{number}")

    order = await taken(queue)

    assert order.index("patient") == PASSED_OVER


async def test_a_key_that_was_added_both_ways_while_it_was_worked_on_is_urgent(queue: WorkQueue[str]) -> None:
    queue.add("a")
    await queue.take()
    queue.add("a")
    queue.add_patiently("a")
    queue.add_patiently("b")
    queue.done("a")

    assert await taken(queue) == ["a", "b"]
