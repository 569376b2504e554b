"""A grant whose time is over is closed by whichever concern comes first, and in the same words.

A grant whose record can't be read is removed: it is as good as one that nobody approved.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jitgress.crds.values import grant_object
from jitgress.domain.course import Close, CloseReason
from jitgress.domain.event import Event, EventCode, EventValue
from jitgress.kube.resources import ACCESS_GRANTS, INGRESSES
from jitgress.operator import record
from jitgress.operator.grants.reconcile import GrantReconciler
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.world import World
from tests.builders import ALICE, BOB, NOW, a_grant, a_request
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import LedgerDownError, SimulatedLedger
from tests.simulators.objects import Object, a_request_object
from tests.unit.operator.cluster import Cluster, in_a_cluster
from tests.unit.operator.held import some_caches, stored

GRANT = a_grant()
OPENED = record.opened(a_request(), GRANT, ["carol"], [], NOW)
NARROWED = record.narrowed(a_request(), GRANT, [], NOW)
CLOSED = record.closed_grant(GRANT, Close(CloseReason.EXPIRED, "its time is over"), NOW)


def asked(name: str, uid: str, **more: object) -> Object:
    found = stored(a_request_object(name), uid=uid)
    return {**found, "spec": {**found["spec"], **more}}


def an_extension(state: str = "Active", **more: object) -> Object:
    """Return a request that extends the one of `GRANT`, and is open."""
    extends = {"name": GRANT.request.name, "uid": GRANT.request.uid}
    closed = [{"type": "Closed", "status": "True", "reason": state}] if state != "Active" else []
    return asked("longer", "uid-2", extends=extends, **more) | {"status": {"grant": "uid-2", "conditions": closed}}


async def after_a_look(ledger: SimulatedLedger, *requests: Object, now: datetime) -> tuple[Object | None, list[Event]]:
    """Have the concern of grants look at `GRANT`; return what is left of it, and what the ledger got."""
    clock, api, settings = HandClock(now), SimulatedApi(HandClock(now)), OperatorSettings()
    made = await api.create(ACCESS_GRANTS, grant_object(GRANT, settings.namespace))
    known = len(ledger.entries)
    own = asked(GRANT.request.name, GRANT.request.uid)
    world = World(
        api=api,
        caches=some_caches(requests=[own, *requests], grants=[made]),
        ledger=ledger,
        settings=settings,
        clock=clock,
    )
    await GrantReconciler(world).reconcile(GRANT.id)
    left = await api.find(ACCESS_GRANTS, GRANT.id, settings.namespace)
    return None if left is None else dict(left), ledger.entries[known:]


async def closing(*requests: Object, now: datetime) -> Event:
    """Have the concern of grants look at `GRANT`, and return how it says that its request ended."""
    left, (event,) = await after_a_look(SimulatedLedger([OPENED]), *requests, now=now)
    assert left is None
    return event


async def test_what_was_extended_ends_as_superseded_whoever_looks_first() -> None:
    event = await closing(an_extension(), now=GRANT.window.not_after)

    assert event.data["reason"] == "Superseded"
    assert event.data["message"] == "request longer extends it and has taken over"


@pytest.mark.parametrize(
    "other",
    [
        an_extension("Revoked"),
        an_extension(requester={"username": BOB.username, "groups": sorted(BOB.groups)}),
        asked("another", "uid-3"),
    ],
    ids=["an extension that is over", "somebody else's", "a request of its own"],
)
async def test_what_nothing_took_over_from_ends_as_expired(other: Object) -> None:
    event = await closing(other, now=GRANT.window.not_after)

    assert event.data["reason"] == "Expired"
    assert event.subject == ALICE.username


def said(event: Event, **data: EventValue) -> Event:
    """Return `event` as another version, or a hand on the ledger, would have left it."""
    return replace(event, data={**event.data, **data})


UNREADABLE = {
    "an end that is no time": [said(OPENED, not_after="tomorrow")],
    "a path that is none": [said(OPENED, paths=["*"])],
    "a subject without claims": [said(OPENED, claims=None)],
    "a narrowing that can't be read": [OPENED, said(NARROWED, host=7)],
    "an unknown way to end": [OPENED, said(CLOSED, reason="Evaporated")],
}


@pytest.mark.parametrize("entries", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("is_over", [False, True], ids=["while it runs", "at its end"])
async def test_a_grant_whose_record_cannot_be_read_is_removed(entries: list[Event], *, is_over: bool) -> None:
    """What can't be read permits nothing, and keeps nothing open that nobody could revoke."""
    now = GRANT.window.not_after if is_over else NOW + timedelta(minutes=1)

    left, (event,) = await after_a_look(SimulatedLedger(list(entries)), now=now)

    assert left is None
    assert event.code is EventCode.GRANT_REMOVED
    assert (event.subject, event.request) == (ALICE.username, GRANT.request)
    assert event.data == {"grant": GRANT.id, "reason": "the ledger holds no approval of it that can be read"}


async def test_a_grant_whose_record_can_be_read_stays() -> None:
    left, told = await after_a_look(SimulatedLedger([OPENED]), now=NOW + timedelta(minutes=1))

    assert left is not None
    assert told == []


async def test_a_ledger_that_cannot_be_asked_removes_nothing() -> None:
    """That says nothing of the record; the grant's time goes on to be looked at by the gate."""

    class SilentLedger(SimulatedLedger):
        async def history(self, request_uid: str) -> tuple[Event, ...]:
            raise LedgerDownError(f"nothing of {request_uid} can be read", remedy="Wait.")

    with pytest.raises(LedgerDownError):
        await after_a_look(SilentLedger(), now=NOW + timedelta(minutes=1))


def test_a_grant_whose_record_became_unreadable_goes_and_never_comes_back() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        before = cluster.start()
        await cluster.ask_and_approve()
        assert len(cluster.all_of(ACCESS_GRANTS)) == 1
        await before.kill()
        cluster.ledger.entries[:] = [
            said(each, paths=["*"]) if each.code is EventCode.GRANT_OPENED else each for each in cluster.ledger.entries
        ]

        cluster.start()
        await asyncio.sleep(120)

        assert cluster.all_of(ACCESS_GRANTS) == []
        assert [each.code for each in cluster.ledger.entries].count(EventCode.GRANT_REMOVED) == 1
        assert cluster.all_of(INGRESSES) == []

    in_a_cluster(story)
