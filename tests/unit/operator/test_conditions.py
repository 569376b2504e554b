"""Conditions keep the Kubernetes API conventions: the time is that of the last change of the status."""

from typing import Any

import pytest

from jitgress.operator.conditions import condition, find_condition
from tests.builders import after

SINCE = "2026-01-01T10:00:00Z"


def ready(*, is_true: bool = True, later_s: float = 0, present: Any = (), message: str = "fine") -> dict[str, Any]:
    return condition(
        "Ready",
        is_true=is_true,
        reason="Because",
        message=message,
        generation=3,
        now=after(later_s),
        present=present,
    )


def test_a_condition_says_all_that_the_conventions_ask_for() -> None:
    assert ready() == {
        "type": "Ready",
        "status": "True",
        "reason": "Because",
        "message": "fine",
        "observedGeneration": 3,
        "lastTransitionTime": SINCE,
    }


def test_the_time_stays_while_the_status_stays() -> None:
    assert ready(later_s=60, present=[ready(message="old")])["lastTransitionTime"] == SINCE


def test_the_time_is_new_when_the_status_turns() -> None:
    turned = ready(is_true=False, later_s=60, present=[ready()])

    assert (turned["status"], turned["lastTransitionTime"]) == ("False", "2026-01-01T10:01:00Z")


@pytest.mark.parametrize(
    "present",
    [
        [{"type": "Closed", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}],
        [{"type": "Ready", "status": "Unknown", "lastTransitionTime": "2020-01-01T00:00:00Z"}],
        [{"type": "Ready", "status": "True"}],
        [{}],
    ],
    ids=["another type", "unknown", "no time", "empty"],
)
def test_a_time_that_is_not_that_of_this_status_is_not_taken_over(present: list[dict[str, Any]]) -> None:
    assert ready(present=present)["lastTransitionTime"] == SINCE


def test_times_have_whole_seconds_rounded_down() -> None:
    assert ready(later_s=0.999)["lastTransitionTime"] == SINCE


def test_a_message_is_cut_where_the_schema_ends() -> None:
    assert ready(message="x" * 2000)["message"] == "x" * 1024


def test_a_condition_is_found_by_its_type() -> None:
    status = {"conditions": [{"type": "Closed"}, ready()]}

    assert find_condition(status, "Ready") == ready()
    assert find_condition(status, "Active") is None
    assert find_condition({}, "Ready") is None
