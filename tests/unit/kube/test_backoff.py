"""How long one waits before the next try."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitgress.kube.backoff import Backoff
from tests.builders import seconds

FAILURES = st.integers(0, 10**9)
DRAWN = st.floats(0, 1, exclude_max=True)


@given(FAILURES, DRAWN)
def test_no_wait_is_nothing_and_none_is_above_the_cap(failures: int, drawn: float) -> None:
    delay = Backoff(lambda: drawn, first=seconds(0.1), cap=seconds(10)).delay(failures)
    assert seconds(0.05) <= delay <= seconds(10)


@given(FAILURES, DRAWN)
def test_a_wait_is_at_least_half_of_what_it_can_be_at_most(failures: int, drawn: float) -> None:
    shortest = Backoff(lambda: 0.0).delay(failures)
    delay = Backoff(lambda: drawn).delay(failures)
    assert shortest <= delay <= 2 * shortest


@pytest.mark.parametrize(
    ("failures", "longest"),
    [(1, 0.1), (2, 0.2), (3, 0.4), (4, 0.8), (7, 6.4), (8, 10), (9, 10), (1000, 10)],
)
def test_waits_double_up_to_the_cap(failures: int, longest: float) -> None:
    almost_one = 1 - 1e-12
    assert Backoff(lambda: almost_one).delay(failures) == pytest.approx(seconds(longest), abs=timedelta(microseconds=1))


def test_a_first_wait_above_the_cap_is_capped() -> None:
    assert Backoff(lambda: 0.5, first=seconds(60), cap=seconds(4)).delay(1) == seconds(3)


def test_two_that_failed_together_dont_come_back_together() -> None:
    one, other = (Backoff(random.Random(seed).random) for seed in (1, 2))  # noqa: S311  it keeps no secret
    assert all(one.delay(failures) != other.delay(failures) for failures in range(1, 20))


def test_the_shortest_waits_grow_with_each_failure_until_the_cap() -> None:
    backoff = Backoff(lambda: 0.0, first=seconds(1), cap=seconds(16))
    delays = [backoff.delay(failures) for failures in range(1, 6)]
    assert all(earlier < later for earlier, later in pairwise(delays))
