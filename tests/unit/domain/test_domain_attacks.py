"""What somebody would try who wants in: each of these must open nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.course import Close, Open, Recorded, Wait, course
from jitgress.domain.denial import DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import TargetSelector
from jitgress.domain.review import ReviewStanding
from jitgress.domain.ruling import Awaiting, Denied, Permitted, TimedOut, Unexamined
from jitgress.domain.scope import Method, Scope, canonical_path
from jitgress.domain.subject import Subject
from jitgress.domain.target import Ready
from jitgress.domain.window import Window, parse_time
from tests.builders import (
    ADDRESS,
    ALICE,
    CAROL,
    CHRIS,
    MALLORY,
    NOW,
    ClocksPutBack,
    a_grant,
    a_policy,
    a_request,
    a_review,
    a_scope,
    a_target,
    after,
    an_approval,
    decided,
    group,
    minutes,
    seconds,
    user,
)


@pytest.mark.parametrize("other", [{"name": "billing"}, {"namespace": "bank"}])
def test_a_target_that_the_request_does_not_name_is_never_opened(other: dict[str, Any]) -> None:
    policy = a_policy(
        approval=an_approval(automatic=True), targets=TargetSelector(namespaces=frozenset({"shop", "bank"}))
    )

    ruling = decided(a_target(**other), [policy], a_request(), [], NOW).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.TARGET_UNKNOWN


@pytest.mark.parametrize("alias", ["Alice", "ALICE", "alice ", "ali\u200bce", "\uff41lice", "al\u00a0ice", "alice"])
def test_another_spelling_of_the_requester_cannot_approve(alias: str) -> None:
    decision = decided(a_target(), [a_policy()], a_request(), [a_review("Approve", Subject(alias, CAROL.groups))], NOW)

    assert isinstance(decision.ruling, Awaiting)
    assert decision.reviews[0].standing is ReviewStanding.SELF_REVIEW


def test_two_spellings_of_one_approver_are_one_person() -> None:
    twice = [
        a_review("Approve", Subject("carol@x.test", CAROL.groups)),
        a_review("Approve", Subject("Carol@X.test", CAROL.groups)),
    ]

    decision = decided(a_target(), [a_policy(approval=an_approval(2))], a_request(), twice, NOW)

    assert isinstance(decision.ruling, Awaiting)
    assert sorted(judged.standing for judged in decision.reviews) == [ReviewStanding.COUNTED, ReviewStanding.DUPLICATE]


@pytest.mark.parametrize("approver", ["Carol", "carol ", "c\u0430rol", "carol\u200b", "", "*"])
def test_an_approver_is_named_to_the_letter(approver: str) -> None:
    policy = a_policy(approval=an_approval(1, user(approver)))

    decision = decided(a_target(), [policy], a_request(), [a_review()], NOW)

    assert decision.reviews[0].standing is ReviewStanding.NOT_ENTITLED


@pytest.mark.parametrize("ref", [user(""), group(""), group("dev")])
def test_a_caller_without_a_name_is_nobody(ref: Any) -> None:
    nobody = Subject("", frozenset({"", "dev"}))

    assert not ref.names(nobody)


@pytest.mark.parametrize("ref", [user("*"), group("*"), user(""), group("")])
def test_no_wildcard_names_everybody(ref: Any) -> None:
    assert not ref.names(Subject("alice", frozenset({"dev", ""})))


def test_a_label_without_value_does_not_match_targets_that_lack_it() -> None:
    labels: Any = {"tier": None}  # what a hand-written `tier:` becomes

    assert not TargetSelector(labels=labels).matches(a_target(labels={"app": "orders"}))


@pytest.mark.parametrize(
    "raw",
    [
        "/api/%252e%252e/admin",
        "/api/%25%32%65%25%32%65/admin",
        "/api/%252f..",
        "/api/%c0%ae%c0%ae/admin",
        "/api%c0%afadmin",
        "/api/%E0%80%AE%e0%80%ae/admin",
        "/api/%f0%80%80%ae",
    ],
)
def test_escapes_that_a_second_or_lenient_decoder_reads_as_dots_are_refused(raw: str) -> None:
    assert canonical_path(raw) is None


@pytest.mark.parametrize("path", ["", "/api/", "/api/..", "api", "/a//b", "/%61", "/*"])
def test_a_scope_cannot_be_made_of_unparsed_prefixes(path: Any) -> None:
    with pytest.raises(InvalidValueError):
        Scope((path,), frozenset({Method.GET}))


def test_a_window_is_not_longer_where_clocks_are_put_back() -> None:
    before_the_change = datetime(2026, 10, 25, 2, 30, tzinfo=ClocksPutBack())

    window = Window.starting(before_the_change, timedelta(hours=2))

    assert window.not_after.astimezone(UTC) - before_the_change.astimezone(UTC) == timedelta(hours=2)
    assert window.duration == timedelta(hours=2)


def test_the_time_for_approval_is_not_longer_where_clocks_are_put_back() -> None:
    asked_at = datetime(2026, 10, 25, 2, 30, tzinfo=ClocksPutBack())
    late = a_review(at=asked_at.astimezone(UTC) + timedelta(hours=1))

    ruling = decided(a_target(), [a_policy()], a_request(created_at=asked_at), [late], late.created_at).ruling

    assert isinstance(ruling, TimedOut)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-01T10:00:00",
        "2026-01-01",
        "2026-01-01T10:00Z",
        "20260101T100000Z",
        "2026-W01-4T10:00:00Z",
        "2026-01-01x10:00:00Z",
        "2026-01-01T10:00:00,5Z",
        "2026-01-01T10:00:00+01",
        "2026-01-01T10:00:00+01:00:30",
        "2026-01-01T25:00:00Z",
        " 2026-01-01T10:00:00Z",
        "2026-01-01T10:00:00Z\n",
        "",
    ],
)
def test_a_time_that_others_could_read_otherwise_is_an_invalid_value(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_time(text)


def test_a_pending_request_times_out_while_its_target_is_being_examined() -> None:
    decision = decided(a_target(readiness="unexamined"), [a_policy()], a_request(), [], after(3600))

    assert isinstance(decision.ruling, TimedOut)


def test_an_unexamined_target_does_not_keep_open_what_policy_tightened() -> None:
    target, request = a_target(readiness="unexamined"), a_request()
    tighter = a_policy(approval=an_approval(automatic=True), max_duration=minutes(5))

    decision = decided(target, [tighter], request, [], after(1))
    way = course(decision, target, request, Recorded(a_grant()), successor=None, now=after(1))

    assert isinstance(way, Close)


def test_an_unexamined_target_does_not_keep_open_what_its_owner_tightened() -> None:
    request, policy = a_request(), a_policy(approval=an_approval(automatic=True))
    opened = a_grant(scope=a_scope("/"))
    narrower = a_target(readiness="unexamined", ceiling=a_scope("/public"))

    decision = decided(narrower, [policy], request, [], after(1))
    way = course(decision, narrower, request, Recorded(opened), successor=None, now=after(1))

    assert way == Open(replace(opened, scope=a_scope("/public")))


def test_an_unexamined_target_opens_nothing() -> None:
    target, request = a_target(readiness="unexamined"), a_request()
    decision = decided(target, [a_policy(approval=an_approval(automatic=True))], request, [], NOW)

    assert isinstance(decision.ruling, Unexamined)
    assert course(decision, target, request, Recorded(), successor=None, now=NOW) == Wait(None)


def test_an_approval_planted_before_its_author_was_entitled_stays_ignored() -> None:
    planted = replace(a_review("Approve", MALLORY), is_barred=True)
    edited = a_policy(approval=an_approval(1, user("mallory")))

    decision = decided(a_target(), [edited], a_request(), [planted], after(120))

    assert isinstance(decision.ruling, Awaiting)
    assert decision.reviews[0].standing is ReviewStanding.NOT_ENTITLED


@pytest.mark.parametrize("decision", ["Deny", "Revoke"])
def test_closing_is_never_barred(decision: str) -> None:
    barred = replace(a_review(decision), is_barred=True)

    assert decided(a_target(), [a_policy()], a_request(), [barred], after(120)).reviews[0].counts


@pytest.mark.parametrize("reason", ["", " \t\n", "\u200b\u200b", "\u202e"])
def test_an_invisible_reason_is_none(reason: str) -> None:
    ruling = decided(a_target(), [a_policy()], a_request(reason=reason), [], NOW).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.REASON_MISSING


@pytest.mark.parametrize("decision", ["Deny", "Revoke"])
def test_a_comment_cannot_steer_the_terminal_of_its_reader(decision: str) -> None:
    review = a_review(decision, comment="no\x1b[2J\n1 of 1 approvals \u202edevorppa")

    message = decided(a_target(), [a_policy()], a_request(), [review], after(120)).reasons[-1]

    assert message.isprintable()


@pytest.mark.parametrize(
    "approval",
    [
        an_approval(-1),
        an_approval(1, timeout=seconds(0)),
        an_approval(1, timeout=seconds(-60)),
        an_approval(3),
        Approval((Quorum(1, ()),)),
        an_approval(1, user("alice"), group("dev")),
        an_approval(1, user("*"), group("*"), group("")),
    ],
)
def test_odd_terms_of_approval_open_nothing(approval: Any) -> None:
    everybody = [a_review("Approve", who, at=NOW) for who in (ALICE, CAROL, CHRIS, MALLORY)]

    for now in (NOW, after(1), after(7200)):
        ruling = decided(a_target(), [a_policy(approval=approval)], a_request(), everybody, now).ruling
        assert not isinstance(ruling, Permitted)


def test_a_policy_that_names_no_subject_or_no_target_matches_nothing() -> None:
    empty = [a_policy(subjects=()), a_policy(targets=TargetSelector())]

    ruling = decided(a_target(readiness=Ready(ADDRESS)), empty, a_request(), [], NOW).ruling

    assert isinstance(ruling, Denied)
    assert ruling.denial.code is DenialCode.NO_POLICY


def test_a_window_holds_whole_milliseconds_and_never_ends_later() -> None:
    window = Window.starting(NOW + timedelta(microseconds=1999), minutes(1))

    assert window == Window.starting(NOW + timedelta(milliseconds=1), minutes(1))
    assert Window.starting(NOW + timedelta(milliseconds=999), minutes(1)).not_before == NOW + timedelta(
        milliseconds=999
    )


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"^a window needs times with a zone$") as caught:
        Window.starting(datetime(2026, 1, 1), minutes(1))  # noqa: DTZ001  the missing zone is the test
    assert caught.value.remedy == "Give UTC times."
