"""Looks come ever more seldom, never endlessly so, and in time to find that a host wasn't seen."""

from datetime import timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from jitgress.operator.exposure.decide import Finding, Opening, finding, next_look
from jitgress.operator.exposure.gates import all_have
from jitgress.operator.ports import Probe, Sighting
from tests.builders import NOW, seconds
from tests.simulators.ingress import gate_lease

WAITS: Final = st.timedeltas(timedelta(0), timedelta(days=1))
STALENESS: Final = seconds(30)
OPENINGS: Final = st.builds(
    lambda is_programmed, sighting: Opening(
        NOW, is_programmed, None if sighting is None else Probe(sighting, NOW, "an answer")
    ),
    st.booleans(),
    st.none() | st.sampled_from(list(Sighting)),
)


@given(WAITS, WAITS)
def test_the_pause_between_looks_is_bounded_and_never_shrinks(one: timedelta, other: timedelta) -> None:
    early, late = sorted((one, other))

    first, second = (next_look(NOW, NOW + waited) - (NOW + waited) for waited in (early, late))

    assert timedelta(milliseconds=20) <= first <= second <= timedelta(seconds=2)


@given(WAITS, WAITS)
def test_a_later_look_is_never_planned_before_an_earlier_one(one: timedelta, other: timedelta) -> None:
    early, late = sorted((one, other))

    assert next_look(NOW, NOW + early) <= next_look(NOW, NOW + late)


def test_a_minute_takes_few_looks() -> None:
    at, looks = NOW, 0
    while at < NOW + seconds(60):
        at, looks = next_look(NOW, at), looks + 1

    assert looks < 80


@given(OPENINGS, WAITS, WAITS)
def test_what_was_found_stays_found_and_nothing_is_looked_at_for_ever(
    opening: Opening, one: timedelta, other: timedelta
) -> None:
    early, late = sorted((one, other))
    first, second = (finding(opening, seconds(60), NOW + waited) for waited in (early, late))

    assert first is second or first is Finding.LOOK_AGAIN
    assert finding(opening, seconds(60), NOW + seconds(60)) is not Finding.LOOK_AGAIN


GATES: Final = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 60)), max_size=4)
"""What each gate is programmed with, and how many seconds ago it said so."""


@given(GATES, st.integers(0, 12))
def test_a_grant_is_everywhere_exactly_if_some_gate_lives_and_no_living_one_lacks_it(
    gates: list[tuple[int, int]], revision: int
) -> None:
    leases: list[dict[str, Any]] = [
        gate_lease(str(programmed), NOW - seconds(age), str(number)) for number, (programmed, age) in enumerate(gates)
    ]
    lagging = [programmed for programmed, age in gates if age < 30 and programmed < revision]
    living = [programmed for programmed, age in gates if age < 30]

    assert all_have(str(revision), leases, STALENESS, NOW) == (len(living) > 0 and not lagging)
