"""What becomes of a request: the decision folded with what was recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jitgress.domain.course import Close, CloseReason, Course, Open, Recorded, Wait, course
from jitgress.domain.grant import Grant
from jitgress.domain.host import parse_host
from jitgress.domain.policy import Policy
from jitgress.domain.review import Review
from jitgress.domain.target import NotReady, Ready, Target
from tests.builders import (
    ALICE,
    CHRIS,
    NOW,
    a_grant,
    a_policy,
    a_request,
    a_review,
    a_scope,
    a_target,
    a_window,
    after,
    an_approval,
    decided,
    minutes,
)

TARGET = a_target()
ONE, AUTOMATIC = a_policy(), a_policy(approval=an_approval(automatic=True))
OPENED = a_grant()
REPLACED = a_target(uid="target-2")
BROKEN = a_target(readiness=NotReady("ServiceNotFound", "there is no Service orders"))


def what_becomes(
    target: Target | None = TARGET,
    policy: Policy | None = AUTOMATIC,
    *reviews: Review,
    opened: Grant | None = None,
    closed: Close | None = None,
    successor: str | None = None,
    now: datetime = NOW,
) -> Course:
    request = a_request()
    decision = decided(target, [policy] if policy else [], request, reviews, now, is_opened=opened is not None)
    return course(decision, target, request, Recorded(opened, closed), successor=successor, now=now)


def test_a_permitted_request_gets_its_grant() -> None:
    assert what_becomes() == Open(OPENED)


def test_a_request_that_no_policy_decides_about_ends_with_what_was_said() -> None:
    ended = what_becomes(target=None)

    assert isinstance(ended, Close)
    assert ended.reason is CloseReason.DENIED
    assert ended.message.startswith("there is no target")


def test_a_grant_holds_what_was_decided() -> None:
    grant = a_grant(policy="standard", window=a_window(after(60)))

    assert what_becomes(TARGET, ONE, a_review(), now=after(90)) == Open(grant)


def test_an_open_grant_stays_as_it_was_recorded() -> None:
    narrower = replace(OPENED, scope=a_scope("/api"), window=a_window(after(1), minutes(1)))

    assert what_becomes(opened=narrower, now=after(2)) == Open(narrower)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (lambda: what_becomes(TARGET, ONE), Wait(after(3600))),
        (lambda: what_becomes(a_target(readiness="unexamined")), Wait(None)),
        (lambda: what_becomes(a_target(readiness="unexamined"), opened=OPENED), Open(OPENED)),
    ],
)
def test_what_is_waited_for_says_until_when(way: Callable[[], Course], expected: Course) -> None:
    assert way() == expected


@pytest.mark.parametrize(
    ("way", "narrower"),
    [
        (
            lambda: what_becomes(a_target(ceiling=a_scope("/api")), opened=OPENED),
            replace(OPENED, scope=a_scope("/api")),
        ),
        (lambda: what_becomes(opened=replace(OPENED, window=a_window(NOW, minutes(31)))), OPENED),
    ],
    ids=["scope", "window"],
)
def test_a_grant_that_is_more_than_what_is_permitted_now_becomes_that(
    way: Callable[[], Course], narrower: Grant
) -> None:
    assert way() == Open(narrower)


@pytest.mark.parametrize("seconds", [1800, 1801])
def test_the_end_closes_whatever_else_holds(seconds: int) -> None:
    closing = Close(CloseReason.EXPIRED, "its time is over. Ask again if you need more.")

    for target in (TARGET, None, BROKEN):
        assert what_becomes(target, opened=OPENED, now=after(seconds)) == closing


def test_one_millisecond_before_the_end_it_is_open() -> None:
    assert what_becomes(opened=OPENED, now=after(1800) - timedelta(milliseconds=1)) == Open(OPENED)


def test_what_is_late_for_its_whole_window_is_not_opened() -> None:
    assert what_becomes(now=after(1800)) == Close(
        CloseReason.EXPIRED, "its time had passed before it could be opened. Ask again."
    )


def test_what_was_closed_stays_closed() -> None:
    closed = Close(CloseReason.REVOKED, "revoked by carol", by="carol")

    assert what_becomes(closed=closed) is closed
    assert what_becomes(opened=OPENED, closed=closed) is closed


@pytest.mark.parametrize(
    ("way", "reason", "message", "by"),
    [
        (lambda: what_becomes(None, opened=OPENED), "TargetGone", "target shop/orders was removed", None),
        (lambda: what_becomes(REPLACED, opened=OPENED), "TargetGone", "target shop/orders was removed", None),
        (
            lambda: what_becomes(replace(TARGET, host=parse_host("new.example.test")), opened=OPENED),
            "TargetGone",
            "target shop/orders moved to another host",
            None,
        ),
        (
            lambda: what_becomes(BROKEN, opened=OPENED),
            "TargetGone",
            "target shop/orders is not ready: there is no Service orders",
            None,
        ),
        (
            lambda: what_becomes(a_target(readiness=Ready("127.64.0.8:80")), opened=OPENED),
            "TargetGone",
            "the Service of target shop/orders was replaced. Ask again.",
            None,
        ),
        (
            lambda: what_becomes(TARGET, ONE, opened=OPENED),
            "Revoked",
            "what policy or target permit changed while it was open. Ask again.",
            None,
        ),
        (
            lambda: what_becomes(
                TARGET, a_policy(approval=an_approval(timeout=minutes(1))), opened=OPENED, now=after(60)
            ),
            "Revoked",
            "what policy or target permit changed while it was open. Ask again.",
            None,
        ),
        (
            lambda: what_becomes(TARGET, None, opened=OPENED),
            "Denied",
            (
                "no policy lets alice (groups: dev) reach shop/orders. "
                "Ask the platform team for a policy that names you or your group."
            ),
            None,
        ),
        (lambda: what_becomes(TARGET, ONE, a_review("Revoke"), opened=OPENED), "Revoked", "revoked by carol", "carol"),
        (
            lambda: what_becomes(TARGET, AUTOMATIC, a_review("Revoke", ALICE), opened=OPENED),
            "Revoked",
            "given back by alice",
            "alice",
        ),
        (lambda: what_becomes(TARGET, ONE, a_review("Revoke", ALICE)), "Withdrawn", "withdrawn by alice", "alice"),
        (lambda: what_becomes(TARGET, ONE, a_review("Revoke", CHRIS)), "Revoked", "revoked by chris", "chris"),
        (
            lambda: what_becomes(TARGET, ONE, a_review("Deny")),
            "Denied",
            "carol denied it. Ask again once that is settled with carol.",
            None,
        ),
        (
            lambda: what_becomes(TARGET, ONE, now=after(3600)),
            "ApprovalTimedOut",
            "not enough people approved before 2026-01-01 11:00:00 UTC. Ask again.",
            None,
        ),
        (
            lambda: what_becomes(BROKEN),
            "Denied",
            "target shop/orders is not ready: there is no Service orders. Ask its owner to mend it, then ask again.",
            None,
        ),
    ],
)
def test_each_end_has_its_reason_its_words_and_who_did_it(
    way: Callable[[], Course], reason: str, message: str, by: str | None
) -> None:
    ended = way()

    assert isinstance(ended, Close)
    assert replace(ended, denial=None) == Close(CloseReason(reason), message, by=by)
    assert (str(ended.denial) if ended.denial else None) == (message if reason == "Denied" else None)


def test_a_decision_about_another_target_opens_nothing() -> None:
    request = a_request()
    decision = decided(TARGET, [AUTOMATIC], request, [], NOW)

    for target in (None, BROKEN, a_target(readiness="unexamined")):
        assert course(decision, target, request, Recorded(), successor=None, now=NOW) == Wait(None)
    assert course(replace(decision, policy=None), TARGET, request, Recorded(), successor=None, now=NOW) == Wait(None)
