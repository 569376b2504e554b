"""Invariant 9: what a look at a host says about a grant that opens, and how often to look."""

from datetime import timedelta

import pytest

from jitgress.operator.exposure.decide import Finding, Opening, finding, is_hidden, next_look
from jitgress.operator.ports import Probe, Sighting
from tests.builders import NOW, after, seconds

TIMEOUT = seconds(60)


def a_probe(sighting: Sighting) -> Probe:
    return Probe(sighting, NOW, "401 refused")


def found(sighting: Sighting | None, *, is_programmed: bool, waited_s: float) -> Finding:
    probe = None if sighting is None else a_probe(sighting)
    return finding(Opening(NOW, is_programmed, probe), TIMEOUT, after(waited_s))


@pytest.mark.parametrize(
    ("sighting", "is_programmed", "in_time", "too_late"),
    [
        (Sighting.REFUSED, True, Finding.PROBED, Finding.PROBED),
        (Sighting.REFUSED, False, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (Sighting.EXPOSED, True, Finding.EXPOSED, Finding.EXPOSED),
        (Sighting.EXPOSED, False, Finding.EXPOSED, Finding.EXPOSED),
        (Sighting.HIDDEN, True, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (Sighting.HIDDEN, False, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (Sighting.DENIED, True, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (Sighting.DENIED, False, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (Sighting.UNREACHABLE, True, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (Sighting.UNREACHABLE, False, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (None, True, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
        (None, False, Finding.LOOK_AGAIN, Finding.NOT_SEEN),
    ],
)
def test_only_a_refusal_by_programmed_gates_makes_a_grant_usable(
    sighting: Sighting | None, *, is_programmed: bool, in_time: Finding, too_late: Finding
) -> None:
    assert found(sighting, is_programmed=is_programmed, waited_s=59.999) is in_time
    assert found(sighting, is_programmed=is_programmed, waited_s=60) is too_late


def test_the_words_are_reasons_of_a_condition() -> None:
    assert [each.value for each in Finding] == ["Refused", "Exposed", "NotSeen", "LookAgain"]


@pytest.mark.parametrize("sighting", list(Sighting), ids=str)
def test_a_closed_host_counts_as_hidden_only_when_the_ingress_knows_nothing_of_it(sighting: Sighting) -> None:
    assert is_hidden(a_probe(sighting)) is (sighting is Sighting.HIDDEN)


@pytest.mark.parametrize(
    ("waited_s", "pause_s"),
    [(0, 0.02), (0.1, 0.02), (0.2, 0.02), (1, 0.1), (10, 1), (20, 2), (3600, 2), (-5, 0.02)],
)
def test_looks_come_soon_at_first_and_never_more_than_two_seconds_apart(waited_s: float, pause_s: float) -> None:
    assert next_look(NOW, after(waited_s)) - after(waited_s) == timedelta(seconds=pause_s)
