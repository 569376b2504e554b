"""When an approval webhook is asked again: never too soon, never too late, and not all at one moment."""

from datetime import timedelta

import pytest

from jitgress.operator.consults.consultant import Trouble, Undecided, Unheard
from jitgress.operator.consults.decide import pause, postponement
from tests.builders import minutes, seconds

NEVER = 0.0
ALMOST_ALWAYS = 0.999


@pytest.mark.parametrize(
    ("wished", "least", "most"),
    [
        (seconds(-60), seconds(5), seconds(5.5)),
        (seconds(0), seconds(5), seconds(5.5)),
        (seconds(5), seconds(5), seconds(5.5)),
        (seconds(60), seconds(60), seconds(66)),
        (minutes(5), minutes(5), minutes(5)),
        (timedelta(days=3650), minutes(5), minutes(5)),
    ],
    ids=["past", "now", "5 s", "1 min", "5 min", "ten years"],
)
def test_it_is_asked_again_when_it_wishes_within_5_seconds_and_5_minutes(
    wished: timedelta, least: timedelta, most: timedelta
) -> None:
    assert pause(Undecided(wished), 1, lambda: NEVER) == least
    assert least <= pause(Undecided(wished), 1, lambda: ALMOST_ALWAYS) <= most


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [(1, 5, 10), (2, 10, 20), (3, 20, 40), (6, 150, 300), (7, 150, 300), (10_000, 150, 300)],
)
def test_without_a_wish_it_is_asked_ever_more_seldom(asked: int, least: float, most: float) -> None:
    for reply in (Undecided(), Unheard(Trouble.TIMED_OUT, "no answer within 10 s")):
        assert pause(reply, asked, lambda: NEVER) == seconds(least)
        assert seconds(least) < pause(reply, asked, lambda: ALMOST_ALWAYS) <= seconds(most)


def test_who_is_overloaded_and_says_when_to_come_back_is_listened_to() -> None:
    assert pause(Unheard(Trouble.STATUS, "status 503", seconds(90)), 1, lambda: NEVER) == seconds(90)


@pytest.mark.parametrize(("postponed", "least"), [(1, 0.5), (2, 1), (6, 15), (7, 15), (1000, 15)])
def test_a_question_that_had_no_turn_comes_back_within_half_a_minute(postponed: int, least: float) -> None:
    assert postponement(postponed, lambda: NEVER) == seconds(least)
    assert postponement(postponed, lambda: ALMOST_ALWAYS) <= seconds(30)
