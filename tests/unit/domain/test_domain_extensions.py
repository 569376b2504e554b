"""Extensions: a request of its own takes over without a gap, and never beyond the policy's sum."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from jitgress.domain.course import Open, Recorded, course
from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.grant import Grant
from jitgress.domain.review import Narrowing
from jitgress.domain.ruling import Denied, Permitted
from jitgress.domain.situation import Extended
from jitgress.domain.sources import Sources
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.terms import Extensions
from jitgress.domain.window import Window
from tests.builders import (
    ALICE,
    BOB,
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
    minutes,
    seconds,
)

FIRST: Final = a_grant(window=a_window(after(-600), minutes(20)))  # alice's, open until ten minutes after NOW
UNTIL: Final = after(600)
TERMS: Final = Extensions(2, timedelta(hours=2))


def extending(
    grant: Grant | None = FIRST,
    *,
    is_over: bool = False,
    is_opened: bool = False,
    is_stopped: bool = False,
    duration: timedelta | None = timedelta(minutes=30),
    approved_at: datetime | None = None,
    narrowing: Narrowing | None = None,
    request: dict[str, Any] | None = None,
    **terms: Any,
) -> Permitted | Denial:
    """Return what becomes of alice's request at NOW to extend `grant`, which nobody need approve unless told."""
    ruling = decided(
        a_target(),
        [a_policy(approval=an_approval(automatic=approved_at is None), **{"extensions": TERMS, **terms})],
        a_request(uid="request-2", duration=duration, extends=FIRST.request, **request or {}),
        [] if approved_at is None else [a_review(at=approved_at, request_uid="request-2", narrowing=narrowing)],
        approved_at or NOW,
        extended=None if grant is None else Extended(grant, is_over, is_stopped),
        is_opened=is_opened,
    ).ruling
    assert isinstance(ruling, (Permitted, Denied))
    return ruling.denial if isinstance(ruling, Denied) else ruling


def permitted(outcome: Permitted | Denial) -> Permitted:
    assert isinstance(outcome, Permitted), outcome
    return outcome


def denial(outcome: Permitted | Denial) -> Denial:
    assert isinstance(outcome, Denial)
    return outcome


def test_an_extension_takes_over_at_once_and_adds_its_time_to_the_end() -> None:
    outcome = permitted(extending())

    assert outcome.window == Window(NOW, UNTIL + minutes(30))
    assert (outcome.since, outcome.extensions) == (after(-600), 1)


def test_the_grant_holds_where_it_stands_in_its_chain() -> None:
    request, policy = a_request(extends=FIRST.request), a_policy(approval=an_approval(automatic=True), extensions=TERMS)
    decision = decided(a_target(), [policy], request, extended=Extended(FIRST, is_over=False))

    way = course(decision, a_target(), request, Recorded(), successor=None, now=NOW)

    assert isinstance(way, Open)
    assert (way.grant.since, way.grant.extensions, way.grant.review_by) == (after(-600), 1, None)


def test_an_extension_of_an_extension_counts_from_the_first() -> None:
    second = replace(FIRST, since=after(-3600), extensions=1)

    outcome = permitted(extending(second))

    assert (outcome.since, outcome.extensions) == (after(-3600), 2)


def test_a_request_that_extends_nothing_begins_a_chain_of_its_own() -> None:
    policy = a_policy(approval=an_approval(automatic=True), extensions=TERMS)

    ruling = decided(a_target(), [policy], a_request(), extended=Extended(FIRST, is_over=False)).ruling

    assert isinstance(ruling, Permitted)
    assert (ruling.window, ruling.since, ruling.extensions) == (a_window(), NOW, 0)


def test_an_extension_that_is_approved_late_takes_over_from_then_on() -> None:
    assert permitted(extending(approved_at=after(599))).window == Window(after(599), UNTIL + minutes(30))


@pytest.mark.parametrize("seconds_after", [600, 601], ids=str)
def test_what_was_over_before_all_had_approved_is_not_extended(seconds_after: int) -> None:
    assert denial(extending(approved_at=after(seconds_after))).code is DenialCode.WINDOW_EMPTY


def test_an_extension_lasts_in_all_as_long_as_the_policys_sum() -> None:
    whole, just_over = extending(duration=minutes(100)), extending(duration=minutes(100) + seconds(1))

    assert denial(whole).code is DenialCode.DURATION_OVER_CAP  # each has the cap of any request besides
    wide: dict[str, Any] = {"max_duration": timedelta(hours=9)}
    whole, just_over = (extending(duration=minutes(100) + seconds(more), **wide) for more in (0, 1))
    assert permitted(whole).window.not_after - FIRST.since == timedelta(hours=2)
    assert str(denial(just_over)) == (
        "asked for 1 h 40 min 1 s more, policy standard permits 2 h in all. Ask for up to 1 h 40 min."
    )


@pytest.mark.parametrize(
    ("total", "remedy"),
    [
        (minutes(20) + seconds(1), "Ask for up to 1 s."),
        (minutes(20) + timedelta(milliseconds=999), "Make a request of its own."),
        (minutes(20), "Make a request of its own."),
        (minutes(1), "Make a request of its own."),
    ],
    ids=["a second left", "less than a second left", "nothing left", "over it already"],
)
def test_what_is_left_of_the_sum_is_told(total: timedelta, remedy: str) -> None:
    told = denial(extending(extensions=Extensions(2, total)))

    assert (told.code, told.remedy) == (DenialCode.EXTENSION_OVER_SUM, remedy)


@pytest.mark.parametrize(
    ("grant", "more", "why"),
    [
        (FIRST, {"extensions": None}, "policy standard permits no extension"),
        (None, {}, "what it extends isn't open any more"),
        (FIRST, {"is_over": True}, "what it extends isn't open any more"),
        (replace(FIRST, subject=BOB), {}, "it extends somebody else's access, or access to another target"),
        (
            replace(FIRST, subject=Subject("Alice", ALICE.groups)),
            {},
            "it extends somebody else's access, or access to another target",
        ),
        (
            replace(FIRST, target=TargetRef("shop", "billing", "target-1")),
            {},
            "it extends somebody else's access, or access to another target",
        ),
        (
            replace(FIRST, target=TargetRef("shop", "orders", "target-0")),
            {},
            "it extends somebody else's access, or access to another target",
        ),
        (replace(FIRST, review_by=after(9999)), {}, "break-glass can't be extended"),
        (replace(FIRST, extensions=2), {}, "policy standard permits 2 extensions"),
        (FIRST, {"extensions": Extensions(0, timedelta(hours=9))}, "policy standard permits 0 extensions"),
    ],
    ids=[
        "not permitted",
        "never opened",
        "over",
        "somebody else's",
        "another spelling's",
        "another target",
        "a target made again",
        "break-glass",
        "too often",
        "never",
    ],
)
def test_what_cannot_be_extended_is_told_why(grant: Grant | None, more: dict[str, Any], why: str) -> None:
    told = denial(extending(grant, **more))

    assert (told.code, told.message) == (DenialCode.EXTENSION_IMPOSSIBLE, why)
    assert told.remedy == "Make a request of its own."


def test_the_last_extension_that_is_permitted_is() -> None:
    assert permitted(extending(replace(FIRST, extensions=1))).extensions == 2


def test_an_open_extension_stays_when_what_it_took_over_is_over() -> None:
    outcome = permitted(extending(is_over=True, is_opened=True))

    assert outcome.window == Window(NOW, UNTIL + minutes(30))


def test_an_open_extension_whose_beginning_nobody_knows_any_more_ends() -> None:
    assert denial(extending(None, is_opened=True)).code is DenialCode.EXTENSION_IMPOSSIBLE


def test_an_open_extension_is_held_to_a_lowered_sum() -> None:
    lower = Extensions(2, minutes(30))
    outcome = extending(is_opened=True, extensions=lower)

    assert isinstance(outcome, Permitted)
    assert outcome.window.not_after == outcome.since + minutes(30)


def test_an_open_extension_ends_when_the_policy_permits_none_any_more() -> None:
    assert denial(extending(is_opened=True, extensions=None)).code is DenialCode.EXTENSION_IMPOSSIBLE


def test_an_approver_shortens_an_extension() -> None:
    outcome = extending(approved_at=after(60), narrowing=Narrowing(duration=minutes(5)))

    assert permitted(outcome).window == Window(after(60), UNTIL + minutes(5))


def test_an_extension_ends_with_the_policys_hours_and_with_what_it_is_for() -> None:
    closing, finished = after(1200), after(900)

    by_hours = permitted(extending(schedule=a_schedule("09:00", "10:20")))
    by_end = permitted(extending(schedule=a_schedule("09:00", "10:20"), request={"end_at": finished}))

    assert by_hours.window == Window(NOW, closing)
    assert by_end.window == Window(NOW, finished)


def test_an_extension_may_end_before_what_it_took_over_would_have() -> None:
    assert permitted(extending(request={"end_at": after(60)})).window == Window(NOW, after(60))


def test_an_extension_asks_for_no_more_than_what_it_extends() -> None:
    narrow = replace(FIRST, scope=a_scope("/api", methods=["GET"]))

    assert permitted(extending(narrow)).scope == narrow.scope
    assert permitted(extending(narrow, request={"paths": ("/api/v1",)})).scope == a_scope("/api/v1", methods=["GET"])
    for more in ({"paths": ("/app",)}, {"methods": ("POST",)}):
        assert denial(extending(narrow, request=more)).code is DenialCode.EXTENSION_IMPOSSIBLE


def test_an_extension_may_be_used_from_where_what_it_extends_may() -> None:
    office, elsewhere = Sources.of(["10.0.0.0/8"]), Sources.of(["192.0.2.0/24"])

    assert permitted(extending(replace(FIRST, sources=office))).sources == office
    assert denial(extending(replace(FIRST, sources=office), sources=elsewhere)).code is DenialCode.EXTENSION_IMPOSSIBLE


@pytest.mark.parametrize("is_opened", [False, True])
def test_an_extension_ends_with_what_others_revoked(is_opened: bool) -> None:  # noqa: FBT001  a case
    outcome = extending(is_over=True, is_stopped=True, is_opened=is_opened)

    assert denial(outcome).code is DenialCode.EXTENSION_IMPOSSIBLE


def test_the_end_that_was_left_of_a_narrowed_grant_is_extended() -> None:
    narrowed = replace(FIRST, window=Window(after(-600), after(300)))

    assert permitted(extending(narrowed)).window == Window(NOW, after(300) + minutes(30))
