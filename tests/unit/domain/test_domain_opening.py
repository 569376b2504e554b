"""What exactly opens: when it begins, when it ends, and what approvers left of it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.review import Narrowing
from jitgress.domain.ruling import Denied, Permitted
from jitgress.domain.sources import Sources
from jitgress.domain.window import Window
from tests.builders import (
    CAROL,
    CHRIS,
    NOW,
    a_policy,
    a_request,
    a_review,
    a_schedule,
    a_scope,
    a_target,
    a_window,
    after,
    an_approval,
    decided,
    minutes,
    seconds,
)

AHEAD: Final = timedelta(days=1)
TARGET: Final = a_target(ceiling=a_scope("/api", "/app"))


def opening(
    policy: Policy, request: Request | None = None, *narrowings: Narrowing, at: datetime | None = None
) -> Permitted | Denial:
    """Return what opens once as many people as there are narrowings approved at `at`."""
    people = (CAROL, CHRIS)[: len(narrowings)]
    reviews = [a_review("Approve", who, at=at, narrowing=each) for who, each in zip(people, narrowings, strict=True)]
    ruling = decided(TARGET, [policy], request or a_request(), reviews, at or after(60)).ruling
    assert isinstance(ruling, (Permitted, Denied))
    return ruling.denial if isinstance(ruling, Denied) else ruling


def window(outcome: Permitted | Denial) -> Window:
    assert isinstance(outcome, Permitted), outcome
    return outcome.window


def code(outcome: Permitted | Denial) -> DenialCode:
    assert isinstance(outcome, Denial)
    return outcome.code


def automatic(**terms: Any) -> Policy:
    return a_policy(approval=an_approval(automatic=True), **terms)


def by(number: int = 1, **terms: Any) -> Policy:
    return a_policy(approval=an_approval(number), **terms)


# When it begins.


@pytest.mark.parametrize(
    ("start", "approved", "begins"), [(600, 60, 600), (600, 900, 900), (-600, 60, 60)], ids=["booked", "late", "past"]
)
def test_it_begins_when_it_was_asked_for_or_approved_whichever_is_later(start: int, approved: int, begins: int) -> None:
    outcome = opening(by(max_start_ahead=AHEAD), a_request(start_at=after(start)), Narrowing(), at=after(approved))

    assert window(outcome) == a_window(after(begins))


def test_an_approver_moves_the_start_to_later() -> None:
    outcome = opening(by(max_start_ahead=AHEAD), None, Narrowing(start_at=after(600)))

    assert window(outcome) == a_window(after(600))


def test_of_several_starts_the_latest_counts() -> None:
    policy = by(2, max_start_ahead=AHEAD)

    outcome = opening(policy, None, Narrowing(start_at=after(600)), Narrowing(start_at=after(300)))

    assert window(outcome) == a_window(after(600))


def test_an_approver_never_moves_the_start_to_earlier() -> None:
    outcome = opening(
        by(max_start_ahead=AHEAD), a_request(start_at=after(600)), Narrowing(start_at=after(-99)), at=after(60)
    )

    assert window(outcome) == a_window(after(600))


def test_an_approver_moves_the_start_no_further_than_the_policy_books_ahead() -> None:
    policy = by(max_start_ahead=minutes(10))

    assert window(opening(policy, None, Narrowing(start_at=after(600)))) == a_window(after(600))
    denial = opening(policy, None, Narrowing(start_at=after(601)))
    assert code(denial) is DenialCode.START_TOO_FAR
    assert str(denial) == ("the start was moved further ahead than policy standard permits. Ask for an earlier start.")


def test_a_late_approval_is_not_a_start_too_far_ahead() -> None:
    assert window(opening(by(), None, Narrowing(), at=after(3599))) == a_window(after(3599))


def test_a_start_moved_to_before_the_approval_changes_nothing() -> None:
    assert window(opening(by(), None, Narrowing(start_at=after(30)), at=after(60))) == a_window(after(60))


# Within the policy's weekly hours: NOW is a Thursday, 10:00.


def test_what_was_asked_for_inside_and_approved_outside_is_denied() -> None:
    denial = opening(by(schedule=a_schedule("09:00", "10:30")), None, Narrowing(), at=after(1800))

    assert code(denial) is DenialCode.OUTSIDE_SCHEDULE
    assert str(denial).endswith("Ask again from Friday 2026-01-02 09:00 UTC.")


def test_a_window_ends_when_the_policys_hours_do() -> None:
    outcome = opening(automatic(schedule=a_schedule("09:00", "10:10")))

    assert window(outcome) == a_window(NOW, minutes(10))


def test_the_policys_hours_lengthen_nothing() -> None:
    assert window(opening(automatic(schedule=a_schedule("00:00", "24:00")))) == a_window(NOW)


def test_a_start_booked_outside_the_policys_hours_is_denied() -> None:
    policy = automatic(schedule=a_schedule(), max_start_ahead=AHEAD)

    assert code(opening(policy, a_request(start_at=NOW.replace(hour=11)))) is DenialCode.OUTSIDE_SCHEDULE


def test_a_start_moved_outside_the_policys_hours_is_denied() -> None:
    policy = by(schedule=a_schedule(), max_start_ahead=AHEAD)

    assert code(opening(policy, None, Narrowing(start_at=NOW.replace(hour=11)))) is DenialCode.OUTSIDE_SCHEDULE


@pytest.mark.parametrize(
    ("asked_at", "ends_at"),
    [
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
    ids=["spring: an hour is skipped", "autumn: an hour comes twice"],
)
def test_hours_in_which_clocks_are_changed_end_at_their_time_on_the_wall(asked_at: datetime, ends_at: datetime) -> None:
    policy = automatic(schedule=a_schedule("01:00", "03:00", zone="Europe/Berlin"), max_duration=timedelta(hours=8))

    outcome = opening(policy, a_request(created_at=asked_at, duration=timedelta(hours=8)))

    assert window(outcome) == Window(asked_at, ends_at)


# When it ends.


@pytest.mark.parametrize(("end", "lasts"), [(600, 600), (1800, 1800), (9999, 1800)], ids=["sooner", "same", "later"])
def test_it_ends_with_what_it_is_for_and_never_later_than_asked(end: int, lasts: int) -> None:
    assert window(opening(automatic(), a_request(end_at=after(end)))) == a_window(NOW, seconds(lasts))


def test_what_is_approved_at_its_end_or_later_has_no_window() -> None:
    request = a_request(end_at=after(60))

    assert code(opening(by(), request, Narrowing(), at=after(60))) is DenialCode.WINDOW_EMPTY
    assert window(opening(by(), request, Narrowing(), at=after(59))) == a_window(after(59), seconds(1))


def test_less_than_a_millisecond_is_no_window() -> None:
    almost, whole = (NOW + timedelta(microseconds=number) for number in (999, 1000))

    assert code(opening(automatic(), a_request(end_at=almost))) is DenialCode.WINDOW_EMPTY
    assert window(opening(automatic(), a_request(end_at=whole))) == Window(NOW, whole)


# What approvers leave of it.


@pytest.mark.parametrize(
    ("durations", "lasts"),
    [((minutes(5),), 5), ((minutes(45),), 30), ((minutes(20), minutes(10)), 10), ((None, minutes(10)), 10)],
    ids=["shorter", "never longer", "the shortest", "by one of two"],
)
def test_approvers_shorten_it(durations: tuple[timedelta | None, ...], lasts: int) -> None:
    narrowings = [Narrowing(duration=duration) for duration in durations]

    assert window(opening(by(len(durations)), None, *narrowings)) == a_window(after(60), minutes(lasts))


@pytest.mark.parametrize("duration", [seconds(0), seconds(-60)], ids=str)
def test_an_approval_for_no_time_opens_nothing(duration: timedelta) -> None:
    assert code(opening(by(), None, Narrowing(duration=duration))) is DenialCode.WINDOW_EMPTY


@pytest.mark.parametrize(
    ("narrowings", "scope"),
    [
        ((Narrowing(paths=("/api/v1",)),), a_scope("/api/v1")),
        ((Narrowing(methods=("GET",)),), a_scope("/api", "/app", methods=["GET"])),
        ((Narrowing(paths=("/", "/admin")),), a_scope("/api", "/app")),
        ((Narrowing(paths=("/api", "/admin"), methods=("GET", "DELETE")),), a_scope("/api", methods=["GET"])),
        ((Narrowing(paths=("/api",)), Narrowing(methods=("GET",))), a_scope("/api", methods=["GET"])),
        ((Narrowing(paths=("/api",)), Narrowing(paths=("/api/v1", "/app"))), a_scope("/api/v1")),
    ],
    ids=["paths", "methods", "never more paths", "never more of either", "each of both", "what both permit"],
)
def test_approvers_narrow_paths_and_methods(narrowings: tuple[Narrowing, ...], scope: object) -> None:
    outcome = opening(by(len(narrowings)), None, *narrowings)

    assert isinstance(outcome, Permitted)
    assert outcome.scope == scope


@pytest.mark.parametrize(
    "narrowings",
    [
        (Narrowing(paths=("/admin",)),),
        (Narrowing(methods=("DELETE",)),),
        (Narrowing(paths=("/api",)), Narrowing(paths=("/app",))),
        (Narrowing(paths=("/admin",)), Narrowing(paths=("/app",))),
    ],
    ids=["other paths", "other methods", "nothing that both permit", "nothing by the first"],
)
def test_what_approvers_leave_nothing_of_is_denied(narrowings: tuple[Narrowing, ...]) -> None:
    denial = opening(by(len(narrowings)), None, *narrowings)

    assert code(denial) is DenialCode.SCOPE_EMPTY
    assert str(denial) == (
        "the approvers left none of the paths and methods that were asked for. Ask for the ones that they would permit."
    )


def test_what_an_approver_wrote_wrongly_opens_nothing() -> None:
    denial = opening(by(), None, Narrowing(paths=("/api/*",)))

    assert code(denial) is DenialCode.SCOPE_MALFORMED
    assert str(denial).startswith("what an approver wrote: '/api/*' is not a path prefix. Write / for everything")


def test_a_review_that_does_not_count_narrows_nothing() -> None:
    reviews = [a_review(), a_review("Approve", CHRIS, at=after(90), narrowing=Narrowing(duration=minutes(1)))]

    ruling = decided(TARGET, [by()], a_request(), reviews, after(100)).ruling

    assert isinstance(ruling, Permitted)
    assert ruling.window == a_window(after(60))


def test_from_where_is_as_the_policy_says() -> None:
    office = Sources.of(["192.0.2.0/24"])

    outcome = opening(automatic(sources=office))

    assert isinstance(outcome, Permitted)
    assert outcome.sources == office
