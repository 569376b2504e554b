"""A request is settled once nothing is left to do, and nobody's decision hangs on it any more."""

from typing import Any

import pytest

from jitgress.operator.settling.decide import Facts, Running, eldest, is_settled, running_of
from tests.builders import NOW, minutes
from tests.simulators.objects import a_request_object
from tests.unit.operator.held import stored

LONG_AGO = "2025-12-01T10:00:00Z"
EARLIER = "2025-11-30T10:00:00Z"
CLOSED = {"conditions": [{"type": "Closed", "status": "True"}]}
HIDDEN = CLOSED | {"grant": "request-1", "hiddenAt": "2025-12-01T10:05:00.000Z"}
OPEN = {"conditions": [{"type": "Active", "status": "True"}], "grant": "request-2"}


def a_found_request(status: dict[str, Any], *, created: str = LONG_AGO, name: str = "alice-orders") -> dict[str, Any]:
    return stored(a_request_object(name), created=created, status=status)


def facts(status: dict[str, Any], *others: dict[str, Any]) -> Facts:
    return Facts(a_found_request(status), running_of(others))


@pytest.mark.parametrize("status", [CLOSED, HIDDEN], ids=["never opened", "seen hidden"])
def test_what_is_over_for_long_is_settled(status: dict[str, Any]) -> None:
    assert is_settled(facts(status), NOW)


@pytest.mark.parametrize(
    "status",
    [
        {},
        OPEN,
        CLOSED | {"grant": "request-1"},
        HIDDEN | {"breakGlass": {"reviewDueAt": "2025-12-02T10:00:00.000Z"}},
    ],
    ids=["nobody looked yet", "open", "not seen hidden", "broken glass without a review"],
)
def test_where_something_is_left_to_do_it_is_not(status: dict[str, Any]) -> None:
    assert not is_settled(facts(status), NOW)


def test_a_reviewed_broken_glass_is_settled() -> None:
    reviewed = {"reviewDueAt": "2025-12-02T10:00:00.000Z", "reviewedAt": "2025-12-01T12:00:00.000Z"}

    assert is_settled(facts(HIDDEN | {"breakGlass": reviewed}), NOW)


def test_it_counts_among_the_requests_of_a_day_until_the_day_is_over() -> None:
    found = a_found_request(HIDDEN, created="2026-01-01T10:00:00Z")
    created_at = NOW

    assert not is_settled(Facts(found, Running()), created_at + minutes(24 * 60))
    assert is_settled(Facts(found, Running()), created_at + minutes(25 * 60))


def test_an_older_request_that_is_open_still_learns_from_it_which_groups_its_requester_has() -> None:
    assert not is_settled(facts(HIDDEN, a_found_request(OPEN, created=EARLIER, name="older")), NOW)


def test_a_younger_one_that_is_open_does_not() -> None:
    assert is_settled(facts(HIDDEN, a_found_request(OPEN, created="2026-01-01T09:00:00Z", name="younger")), NOW)


def test_one_that_is_not_decided_yet_still_counts_it() -> None:
    assert not is_settled(facts(HIDDEN, a_found_request({}, created="2026-01-01T09:00:00Z", name="younger")), NOW)


def test_the_eldest_come_first_and_not_too_many_at_once() -> None:
    created = {"a": LONG_AGO, "b": "2025-12-03T10:00:00Z", "c": EARLIER}
    requests = [a_found_request(HIDDEN, created=at, name=name) for name, at in created.items()]

    assert [each["metadata"]["name"] for each in eldest(requests, 2)] == ["c", "a"]
