"""Asking an external approval system: until it decides, never two at once, and never beyond the deadline."""

import asyncio
from typing import Final

import pytest

from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.window import parse_time
from tests.builders import a_request, after, seconds
from tests.simulators.approvals import BROKEN, PENDING, Said
from tests.unit.operator.consulting import ALICES, Consulting, consulting
from tests.unit.operator.questions import a_question

APPROVED: Final = Said("approve", "CHG-7 is approved", "2026-01-01T12:00:00Z")


def test_an_approval_is_recorded_and_then_the_request_is_woken() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = APPROVED
        there.ask()
        await asyncio.sleep(1)

        end = parse_time("2026-01-01T12:00:00Z")
        assert there.answers() == (Answer("change", AnswerVerdict.APPROVE, after(0), "CHG-7 is approved", end),)
        assert there.poked == [(ALICES, 0.0, 1)], "woken once, with the answer in the ledger"

    consulting(story)


def test_a_denial_is_recorded_as_one() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = Said("deny", "freeze until Monday")
        there.ask()
        await asyncio.sleep(1)

        assert there.answers() == (Answer("change", AnswerVerdict.DENY, after(0), "freeze until Monday"),)
        assert [key for key, _, _ in there.poked] == [ALICES]

    consulting(story)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (PENDING, [0, 5, 15, 35, 75]),
        (Said("pending", retry_after_s=30), [0, 30, 60, 90]),
        (Said("pending", retry_after_s=1), [0, 5, 10, 15, 20, 25]),
        (BROKEN, [0, 5, 15, 35, 75]),
        (Said(None, status=429, retry_after_s=60), [0, 60]),
    ],
    ids=["pending", "pending with a wish", "pending with an eager wish", "broken", "overloaded"],
)
def test_what_decides_nothing_is_asked_again_and_recorded_never(said: Said, expected: list[float]) -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = said
        there.ask()
        await asyncio.sleep(100)

        asked_at = there.consultant.asked_at
        assert asked_at[: len(expected)] == pytest.approx(expected, abs=0.01)
        assert there.ledger.entries == []
        assert there.poked == []

    consulting(story)


def test_it_is_asked_until_its_deadline_and_not_after() -> None:
    async def story(there: Consulting) -> None:
        there.ask(a_question(until=after(60)))
        await asyncio.sleep(3600)

        assert max(there.consultant.asked_at) < 60
        assert there.consultant.asked_at[-1] == pytest.approx(35, abs=0.01)

    consulting(story)


def test_an_answer_that_comes_at_the_deadline_counts_for_nothing() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = APPROVED
        there.consultant.slowness_s["change"] = 5
        there.ask(a_question(until=after(5)))
        await asyncio.sleep(3600)

        assert len(there.consultant.asked_at) == 1
        assert there.ledger.entries == []

    consulting(story)


def test_a_system_that_was_down_for_hours_is_heard_in_the_end() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = BROKEN
        there.ask(a_question(until=after(8 * 3600)))
        await asyncio.sleep(4 * 3600)
        there.systems["change"].otherwise = APPROVED
        await asyncio.sleep(300)

        assert [answer.verdict for answer in there.answers()] == [AnswerVerdict.APPROVE]
        assert len(there.consultant.asked_at) < 4 * 3600 / 150 + 10

    consulting(story)


def test_however_often_a_request_changes_its_webhook_is_not_asked_more_often() -> None:
    async def story(there: Consulting) -> None:
        for _ in range(50):
            there.ask()
            await asyncio.sleep(0.05)

        assert len(there.consultant.asked_at) == 1

    consulting(story)


def test_no_request_is_asked_about_twice_at_a_time() -> None:
    async def story(there: Consulting) -> None:
        there.consultant.slowness_s["change"] = 3
        for _ in range(10):
            there.ask()
            await asyncio.sleep(0.5)

        assert there.consultant.most_at_once["change"] == 1

    consulting(story)


def test_the_id_of_every_repetition_is_the_same() -> None:
    async def story(there: Consulting) -> None:
        there.ask()
        await asyncio.sleep(100)
        await there.stop()
        there.start()
        there.ask()
        await asyncio.sleep(100)

        assert len(there.systems["change"].heard) > 5
        assert set(there.systems["change"].heard) == {a_question().id}

    consulting(story)


def test_after_a_restart_it_is_asked_at_once_and_answered_once() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = Said("pending", retry_after_s=300)
        there.ask()
        await asyncio.sleep(10)
        await there.stop()
        there.systems["change"].otherwise = APPROVED
        there.start()
        there.ask()
        await asyncio.sleep(1)
        there.systems["change"].otherwise = Said("deny")
        there.ask()  # as if the process had ended between the record and its effect
        await asyncio.sleep(1)

        assert [answer.verdict for answer in there.answers()] == [AnswerVerdict.APPROVE]
        assert len(there.ledger.entries) == 1

    consulting(story)


def test_what_was_answered_while_the_ledger_was_down_is_not_asked_for_again() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = APPROVED
        there.ledger.is_down = True
        there.ask()
        await asyncio.sleep(60)
        assert there.poked == []
        there.systems["change"].otherwise = Said("deny")
        there.ledger.is_down = False
        await asyncio.sleep(30)

        assert [(answer.verdict, answer.at) for answer in there.answers()] == [(AnswerVerdict.APPROVE, after(0))]
        assert len(there.consultant.asked_at) == 1
        assert len(there.poked) == 1

    consulting(story)


def test_a_request_that_waits_no_more_is_not_asked_about() -> None:
    async def story(there: Consulting) -> None:
        there.ask()
        await asyncio.sleep(1)
        there.open.clear()
        await asyncio.sleep(600)

        assert len(there.consultant.asked_at) == 1

    consulting(story)


def test_a_request_that_was_made_again_under_its_name_is_a_new_question() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].says["request-2"] = APPROVED
        there.ask()
        await asyncio.sleep(1)
        there.ask(a_question(request=a_request(uid="request-2")))
        await asyncio.sleep(1)

        assert [entry.request and entry.request.uid for entry in there.ledger.entries] == ["request-2"]

    consulting(story)


def test_a_webhook_that_the_settings_do_not_know_is_not_asked() -> None:
    async def story(there: Consulting) -> None:
        there.ask(a_question(webhook="unknown"))
        await asyncio.sleep(3600)

        assert there.consultant.asked_at == []
        assert there.ledger.entries == []

    consulting(story)


def test_without_any_webhook_nothing_is_looked_up() -> None:
    async def story(there: Consulting) -> None:
        there.ask()
        await asyncio.sleep(1)

        assert there.looked_up == 0

    consulting(story, webhooks=())


def test_one_webhook_gets_no_more_than_four_questions_at_a_time_and_all_are_answered() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = APPROVED
        there.consultant.slowness_s["change"] = 2
        there.ask_many(20)
        await asyncio.sleep(600)

        assert there.consultant.most_at_once["change"] == 4
        assert len(there.answers()) == 20

    consulting(story)


def test_a_slow_webhook_does_not_hold_up_another() -> None:
    async def story(there: Consulting) -> None:
        there.consultant.slowness_s["slow"] = 1000
        there.systems["quick"].otherwise = APPROVED
        there.ask_many(50, "slow")
        await asyncio.sleep(0.1)
        there.ask_many(1, "quick")
        await asyncio.sleep(1)

        assert [answer.webhook for answer in there.answers()] == ["quick"]

    consulting(story, webhooks=("slow", "quick"))


def test_a_wall_clock_that_is_put_back_delays_no_question() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = Said("pending", retry_after_s=60)
        there.ask()
        await asyncio.sleep(1)
        there.clock.put_back = seconds(1800)
        await asyncio.sleep(70)

        assert there.consultant.asked_at == pytest.approx([0, 60], abs=1.01)

    consulting(story)


def test_a_wall_clock_that_goes_ahead_makes_nobody_ask_sooner() -> None:
    async def story(there: Consulting) -> None:
        there.systems["change"].otherwise = Said("pending", retry_after_s=60)
        there.ask()
        await asyncio.sleep(1)
        there.clock.put_back = seconds(-1800)
        await asyncio.sleep(50)

        assert there.consultant.asked_at == [0]

    consulting(story)
