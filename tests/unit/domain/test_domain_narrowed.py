"""What becomes of a booked and of an open grant when policy or target change: less, or nothing, and never more."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from jitgress.domain.course import Close, CloseReason, Course, Open, Recorded, Scheduled, course, narrowed
from jitgress.domain.grant import Grant
from jitgress.domain.policy import Policy
from jitgress.domain.review import Narrowing
from jitgress.domain.ruling import Permitted
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.target import Target
from jitgress.domain.window import Window
from tests.builders import (
    NOW,
    a_grant,
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
    group,
    minutes,
    seconds,
    user,
)

OFFICE: Final = Sources.of(["192.0.2.0/24"])
DESK: Final = Sources.of(["192.0.2.7/32"])
OPENED: Final = a_grant(scope=a_scope("/api", "/app"), sources=OFFICE, extensions=1, since=after(-60))
MOST: Final = Permitted(
    scope=OPENED.scope, window=OPENED.window, approved_by=(), sources=OPENED.sources, since=NOW, extensions=0
)
CHANGED: Final = Close(CloseReason.REVOKED, "what policy or target permit changed while it was open. Ask again.")


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, OPENED),
        ({"window": a_window(NOW, minutes(10))}, replace(OPENED, window=a_window(NOW, minutes(10)))),
        ({"window": Window(after(-1), after(60))}, replace(OPENED, window=Window(NOW, after(60)))),
        ({"window": Window(after(-1), after(9999))}, OPENED),
        ({"scope": a_scope("/api/v1", "/lab")}, replace(OPENED, scope=a_scope("/api/v1"))),
        ({"scope": a_scope(methods=["GET", "PUT"])}, replace(OPENED, scope=a_scope("/api", "/app", methods=["GET"]))),
        ({"scope": a_scope("/", methods=["GET", "POST", "PUT"])}, OPENED),
        ({"sources": DESK}, replace(OPENED, sources=DESK)),
        ({"sources": ANYWHERE}, OPENED),
        ({"since": after(-9999), "extensions": 7, "review_by": after(1)}, OPENED),
    ],
    ids=[
        "the same",
        "an earlier end",
        "earlier as a whole",
        "longer",
        "fewer paths",
        "fewer methods",
        "more paths and methods",
        "fewer sources",
        "any source",
        "what is recorded beside",
    ],
)
def test_what_is_open_becomes_what_both_permit(change: dict[str, Any], left: Grant) -> None:
    assert narrowed(OPENED, replace(MOST, **change)) == left


@pytest.mark.parametrize(
    "change",
    [
        {"window": Window(NOW + timedelta(milliseconds=1), after(1800))},
        {"window": Window(after(-9), NOW)},
        {"window": Window(after(-9), after(-1))},
        {"scope": a_scope("/lab")},
        {"scope": a_scope("/api", methods=["PUT"])},
        {"sources": Sources.of(["198.51.100.0/24"])},
    ],
    ids=["a later start", "over at its start", "over before", "other paths", "other methods", "other sources"],
)
def test_of_what_shares_nothing_nothing_is_left(change: dict[str, Any]) -> None:
    assert narrowed(OPENED, replace(MOST, **change)) is None


def test_a_scope_within_what_is_permitted_stays_as_it_was_written() -> None:
    nested = a_scope("/api", "/api/v1", "/app")

    assert narrowed(replace(OPENED, scope=nested), MOST) == replace(OPENED, scope=nested)
    assert narrowed(OPENED, replace(MOST, scope=nested)) == OPENED


# From policy and target to the grant.


def what_becomes(
    policy: Policy,
    target: Target | None = None,
    *,
    opened: Grant | None = None,
    narrowing: Narrowing | None = None,
    request: dict[str, Any] | None = None,
    successor: str | None = None,
    now: datetime = NOW,
) -> Course:
    target, asked = target or a_target(), a_request(**request or {})
    reviews = [] if narrowing is None else [a_review(narrowing=narrowing)]
    decision = decided(target, [policy], asked, reviews, now, is_opened=opened is not None)
    return course(decision, target, asked, Recorded(opened), successor=successor, now=now)


def automatic(**terms: Any) -> Policy:
    return a_policy(approval=an_approval(automatic=True), **terms)


WHOLE: Final = a_grant()


@pytest.mark.parametrize(
    ("policy", "target", "left"),
    [
        (automatic(ceiling=a_scope("/api")), a_target(), replace(WHOLE, scope=a_scope("/api"))),
        (automatic(), a_target(ceiling=a_scope("/app")), replace(WHOLE, scope=a_scope("/app"))),
        (automatic(sources=DESK), a_target(), replace(WHOLE, sources=DESK)),
        (
            automatic(schedule=a_schedule("09:00", "10:10")),
            a_target(),
            replace(WHOLE, window=a_window(NOW, minutes(10))),
        ),
        (automatic(max_duration=timedelta(hours=9), ceiling=a_scope()), a_target(ceiling=a_scope()), WHOLE),
    ],
    ids=["policy's scope", "target's scope", "sources", "hours", "loosened"],
)
def test_an_open_grant_shrinks_with_policy_and_target(policy: Policy, target: Target, left: Grant) -> None:
    assert what_becomes(policy, target, opened=WHOLE, now=after(60)) == Open(left)


def test_what_shrank_stays_so_when_the_policy_is_loosened_again() -> None:
    less = replace(WHOLE, scope=a_scope("/api"), sources=DESK, window=a_window(NOW, minutes(5)))

    assert what_becomes(automatic(), opened=less, now=after(60)) == Open(less)


@pytest.mark.parametrize(
    "policy",
    [
        automatic(schedule=a_schedule("09:00", "10:01")),
        a_policy(),
        a_policy(approval=an_approval(1, user("chris"))),
    ],
    ids=["hours that are over now", "an approval more", "approved by others"],
)
def test_an_open_grant_of_which_nothing_is_left_is_closed(policy: Policy) -> None:
    assert what_becomes(policy, opened=WHOLE, now=after(60)) == CHANGED


def test_a_start_that_moves_to_later_closes_what_is_open() -> None:
    one = a_policy(approval=an_approval(1, group("approvers")))

    assert what_becomes(one, opened=WHOLE, narrowing=Narrowing(), now=after(90)) == CHANGED


def test_an_approval_shortened_while_it_is_open_shortens_it() -> None:
    opened = replace(WHOLE, window=a_window(after(60)))

    way = what_becomes(a_policy(), opened=opened, narrowing=Narrowing(duration=seconds(90)), now=after(90))

    assert way == Open(replace(opened, window=a_window(after(60), seconds(90))))


def test_a_default_that_was_lowered_shortens_what_asked_for_no_duration() -> None:
    lower = automatic(default_duration=minutes(5))

    assert what_becomes(lower, opened=WHOLE, request={"duration": None}, now=after(60)) == Open(
        replace(WHOLE, window=a_window(NOW, minutes(5)))
    )


# Before it opens, and after it ends.


def test_what_is_booked_waits_for_its_window() -> None:
    policy = automatic(max_start_ahead=timedelta(days=1))

    before, due = (
        what_becomes(policy, request={"start_at": after(600)}, now=after(600) - tick)
        for tick in (timedelta(milliseconds=1), timedelta(0))
    )

    assert before == Scheduled(a_window(after(600)))
    assert due == Open(a_grant(window=a_window(after(600))))


def test_what_is_booked_is_decided_about_again_when_it_opens() -> None:
    denying = automatic(defect="an unknown zone", max_start_ahead=timedelta(days=1))

    way = what_becomes(denying, request={"start_at": after(600)}, now=after(600))

    assert isinstance(way, Close)
    assert way.reason is CloseReason.DENIED


def test_what_is_booked_for_a_time_that_has_passed_is_over() -> None:
    policy = automatic(max_start_ahead=timedelta(days=1))

    way = what_becomes(policy, request={"start_at": after(600)}, now=after(600 + 1800))

    assert way == Close(CloseReason.EXPIRED, "its time had passed before it could be opened. Ask again.")


def test_the_grant_holds_from_where_it_may_be_used() -> None:
    assert what_becomes(automatic(sources=DESK)) == Open(replace(WHOLE, sources=DESK))


@pytest.mark.parametrize("name", [None, "alice-again"], ids=["nobody extended it", "extended"])
def test_the_end_of_what_was_extended_is_a_handing_over(name: str | None) -> None:
    way = what_becomes(automatic(), opened=WHOLE, successor=name, now=after(1800))

    if name is None:
        assert way == Close(CloseReason.EXPIRED, "its time is over. Ask again if you need more.")
    else:
        assert way == Close(CloseReason.SUPERSEDED, "request alice-again extends it and has taken over")


def test_what_was_extended_stays_open_until_its_own_end() -> None:
    assert what_becomes(automatic(), opened=WHOLE, successor="alice-again", now=after(1799)) == Open(WHOLE)
