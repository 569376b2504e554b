"""What else counts in a decision, read from caches and ledger at one moment."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from jitgress.crds.values import grant_object
from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.course import EXPIRED, Close, CloseReason
from jitgress.domain.event import Event
from jitgress.domain.grant import Grant
from jitgress.domain.situation import Extended
from jitgress.domain.subject import Subject
from jitgress.domain.terms import UNLIMITED, Limits
from jitgress.domain.window import format_time
from jitgress.kube.resources import ACCESS_GRANTS
from jitgress.operator import record
from jitgress.operator.answers import answer_event
from jitgress.operator.caches import Caches
from jitgress.operator.requests.gather import gather
from jitgress.operator.requests.situation import is_overdue, situation
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.world import World
from tests.builders import ALICE, BOB, NOW, a_grant, a_request, a_target, a_window, after, minutes
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import a_request_object
from tests.unit.operator.held import some_caches, stored

SYSTEM = "jitgress-system"
LIMITED = Limits(per_subject=9, per_target=9, per_day=9)


def a_world(caches: Caches, events: Iterable[Event] = ()) -> World:
    clock = HandClock()
    ledger = SimulatedLedger(list(events))
    return World(api=SimulatedApi(clock), caches=caches, ledger=ledger, settings=OperatorSettings(), clock=clock)


def a_grant_of(who: Subject, number: int, *, target: str = "orders", until_s: float = 1800) -> Grant:
    request = a_request(uid=f"request-{number}", requester=who)
    return a_grant(
        request=request,
        target=a_target(name=target),
        window=a_window(NOW - minutes(1), minutes(1) + timedelta(seconds=until_s)),
    )


def asked(number: int, at: datetime, who: Subject = ALICE, **status: Any) -> dict[str, Any]:
    """Return the object of a request that was made at `at`."""
    body = a_request_object(f"other-{number}", requester=who)
    return stored(body, uid=f"other-{number}", created=format_time(at)[:19] + "Z", status=status)


def held(*grants: Grant) -> list[dict[str, Any]]:
    return [stored(grant_object(each, SYSTEM)) for each in grants]


def test_what_others_have_open_is_counted_by_person_and_by_target() -> None:
    mine = a_grant_of(ALICE, 2, target="stock")
    bobs = a_grant_of(BOB, 3)
    ended = a_grant_of(ALICE, 4, until_s=0)
    own = a_grant_of(ALICE, 1)

    found = situation(a_request(), (), None, LIMITED, a_world(some_caches(grants=held(mine, bobs, ended, own))))

    assert (found.open_of_subject, found.open_on_target) == (1, 1)


def test_a_grant_that_was_recorded_counts_before_the_cache_shows_it_and_once() -> None:
    world = a_world(some_caches())
    world.openings.add(a_grant_of(ALICE, 2))
    before = situation(a_request(), (), None, LIMITED, world)

    shown = a_world(some_caches(grants=held(a_grant_of(ALICE, 2))))
    shown.openings.add(a_grant_of(ALICE, 2))

    assert (before.open_of_subject, before.open_on_target) == (1, 1)
    assert situation(a_request(), (), None, LIMITED, shown).open_of_subject == 1


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (NOW - timedelta(seconds=1), 1),
        (NOW - timedelta(hours=24) + timedelta(seconds=1), 1),
        (NOW - timedelta(hours=24), 0),
        (NOW + timedelta(seconds=1), 0),
    ],
    ids=["just before", "nearly a day", "a day", "later"],
)
def test_requests_of_the_day_before_are_counted(at: datetime, number: int) -> None:
    found = situation(a_request(), (), None, LIMITED, a_world(some_caches(requests=[asked(1, at), asked(2, at, BOB)])))

    assert found.asked_within_day == number


def test_of_two_requests_in_one_second_one_is_the_earlier() -> None:
    objects = [stored(a_request_object(uid), uid=uid) for uid in ("request-1", "request-2")]
    world = a_world(some_caches(requests=objects))

    counts = [
        situation(a_request(uid=uid), (), None, LIMITED, world).asked_within_day for uid in ("request-1", "request-2")
    ]

    assert counts == [0, 1]


@pytest.mark.parametrize(
    ("others", "groups"),
    [
        ([], None),
        ([asked(1, after(-1), Subject("alice", frozenset({"ops"})))], None),
        ([asked(1, NOW, Subject("alice", frozenset({"ops"})))], None),
        ([asked(1, after(1), Subject("alice", frozenset({"ops"})))], {"ops"}),
        ([asked(1, after(1), Subject("bob", frozenset({"ops"})))], None),
        ([asked(1, after(1))], None),
        ([asked(1, after(1), Subject("alice", frozenset({"ops"}))), asked(2, after(2))], {"dev"}),
        ([asked(1, after(1), Subject("alice"))], set()),
    ],
    ids=["nothing", "earlier", "in the same second", "later", "somebody else", "the same", "twice", "in none any more"],
)
def test_the_groups_are_those_of_the_last_request_since(others: list[dict[str, Any]], groups: set[str] | None) -> None:
    found = situation(a_request(), (), None, LIMITED, a_world(some_caches(requests=others)))

    assert found.groups_now == groups


@pytest.mark.parametrize(
    ("status", "is_late"),
    [
        ({}, False),
        ({"breakGlass": {"reviewDueAt": "2026-01-01T09:59:59.000Z"}}, True),
        ({"breakGlass": {"reviewDueAt": "2026-01-01T10:00:00.000Z"}}, True),
        ({"breakGlass": {"reviewDueAt": "2026-01-01T10:00:00.001Z"}}, False),
        (
            {
                "breakGlass": {"reviewDueAt": "2026-01-01T09:00:00.000Z"},
                "conditions": [{"type": "Reviewed", "status": "True"}],
            },
            False,
        ),
        (
            {
                "breakGlass": {"reviewDueAt": "2026-01-01T09:00:00.000Z"},
                "conditions": [{"type": "Reviewed", "status": "False"}],
            },
            True,
        ),
    ],
    ids=["no glass", "late", "just now", "not yet", "reviewed", "told as due"],
)
def test_a_review_is_overdue_from_its_time_on_until_it_is_there(status: dict[str, Any], *, is_late: bool) -> None:
    found = asked(1, after(-3600), **status)

    assert is_overdue(found, NOW) == is_late
    world = a_world(some_caches(requests=[found]))
    assert situation(a_request(break_glass=True), (), None, LIMITED, world).overdue_reviews == int(is_late)
    assert situation(a_request(requester=BOB, break_glass=True), (), None, LIMITED, world).overdue_reviews == 0
    assert situation(a_request(), (), None, LIMITED, world).overdue_reviews == 0


def test_an_open_request_of_the_same_person_that_extends_this_one_is_its_successor() -> None:
    def extending(number: int, who: Subject = ALICE, **status: Any) -> dict[str, Any]:
        found = asked(number, after(60), who, **status)
        return {**found, "spec": found["spec"] | {"extends": {"name": "alice-orders", "uid": "request-1"}}}

    closed = [{"type": "Closed", "status": "True"}]
    waiting, over = extending(1), extending(2, grant="2", conditions=closed)
    bobs, running = extending(3, BOB, grant="3"), extending(4, grant="4")

    before = situation(a_request(), (), None, LIMITED, a_world(some_caches(requests=[waiting, over, bobs])))
    after_it = situation(a_request(), (), None, LIMITED, a_world(some_caches(requests=[waiting, over, bobs, running])))

    assert (before.successor, after_it.successor) == (None, "other-4")


def test_answers_and_the_own_opening_are_read_from_the_history() -> None:
    answer = Answer("change", AnswerVerdict.APPROVE, after(5))
    events = (answer_event(a_request(), answer, after(6)), record.opened(a_request(), a_grant(), [], [], after(7)))

    found = situation(a_request(), events, None, LIMITED, a_world(some_caches()))

    assert found.answers == (answer,)
    assert found.is_opened


FIRST = a_grant(request=a_request(uid="first", name="first"))
OPENED = record.opened(a_request(uid="first", name="first"), FIRST, [], [], NOW)
CLOSED = record.closed(a_request(uid="first", name="first"), EXPIRED, FIRST, after(1))


async def extended(events: Iterable[Event], *, is_made: bool, is_there: bool) -> Extended | None:
    """Return what a request that extends `first` is told of it."""
    body = a_request_object()
    body["spec"]["extends"] = {"name": "first", "uid": "first"}
    own = stored(body, uid="request-1")
    first = stored(a_request_object("first"), uid="first", status={"grant": "first"} if is_made else {})
    world = a_world(some_caches(requests=[own, first]), events)
    if is_there:
        await world.api.create(ACCESS_GRANTS, grant_object(FIRST, SYSTEM))
    facts = await gather(("shop", "alice-orders"), world)
    assert facts is not None
    return facts.situation.extended


async def test_what_is_extended_is_the_grant_as_the_ledger_has_it() -> None:
    assert await extended([OPENED], is_made=True, is_there=True) == Extended(FIRST, is_over=False)
    assert await extended([OPENED], is_made=False, is_there=False) == Extended(FIRST, is_over=False)
    assert await extended([], is_made=False, is_there=False) is None


async def test_what_was_closed_or_is_gone_is_over() -> None:
    assert await extended([OPENED, CLOSED], is_made=True, is_there=True) == Extended(FIRST, is_over=True)
    assert await extended([OPENED], is_made=True, is_there=False) == Extended(FIRST, is_over=True, is_stopped=True)


@pytest.mark.parametrize(
    ("close", "is_stopped"),
    [
        (EXPIRED, False),
        (Close(CloseReason.SUPERSEDED, "taken over"), False),
        (Close(CloseReason.REVOKED, "given back", by="alice"), False),
        (Close(CloseReason.REVOKED, "enough", by="carol"), True),
        (Close(CloseReason.REVOKED, "its grant was deleted"), True),
        (Close(CloseReason.DENIED, "the policy is gone"), True),
    ],
    ids=["expired", "superseded", "given back", "revoked", "deleted", "denied"],
)
async def test_what_others_ended_is_stopped(close: Close, *, is_stopped: bool) -> None:
    closed = record.closed(a_request(uid="first", name="first"), close, FIRST, NOW)

    found = await extended([OPENED, closed], is_made=True, is_there=False)

    assert found == Extended(FIRST, is_over=True, is_stopped=is_stopped)


def test_what_the_policy_does_not_limit_is_not_counted() -> None:
    world = a_world(some_caches(grants=held(a_grant_of(ALICE, 2)), requests=[asked(1, NOW - minutes(1))]))

    found = situation(a_request(), (), None, UNLIMITED, world)

    assert (found.open_of_subject, found.open_on_target, found.asked_within_day) == (0, 0, 0)
