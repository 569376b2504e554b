"""A grant whose time is over is closed by whichever concern comes first, and in the same words."""

from datetime import datetime

import pytest

from jitgress.crds.values import grant_object
from jitgress.domain.event import Event, EventCode
from jitgress.kube.resources import ACCESS_GRANTS
from jitgress.operator import record
from jitgress.operator.grants.reconcile import GrantReconciler
from jitgress.operator.settings import OperatorSettings
from jitgress.operator.world import World
from tests.builders import ALICE, BOB, NOW, a_grant, a_request
from tests.simulators.clock import HandClock
from tests.simulators.kube_api import SimulatedApi
from tests.simulators.ledger import SimulatedLedger
from tests.simulators.objects import Object, a_request_object
from tests.unit.operator.held import some_caches, stored

GRANT = a_grant()


def asked(name: str, uid: str, **more: object) -> Object:
    found = stored(a_request_object(name), uid=uid)
    return {**found, "spec": {**found["spec"], **more}}


def an_extension(state: str = "Active", **more: object) -> Object:
    """Return a request that extends the one of `GRANT`, and is open."""
    extends = {"name": GRANT.request.name, "uid": GRANT.request.uid}
    closed = [{"type": "Closed", "status": "True", "reason": state}] if state != "Active" else []
    return asked("longer", "uid-2", extends=extends, **more) | {"status": {"grant": "uid-2", "conditions": closed}}


async def closing(*requests: Object, now: datetime) -> Event:
    """Have the concern of grants look at `GRANT`, and return how it says that its request ended."""
    clock, api, ledger = HandClock(now), SimulatedApi(HandClock(now)), SimulatedLedger()
    settings = OperatorSettings()
    made = await api.create(ACCESS_GRANTS, grant_object(GRANT, settings.namespace))
    await ledger.append(record.opened(a_request(), GRANT, ["carol"], [], NOW))
    own = asked(GRANT.request.name, GRANT.request.uid)
    world = World(
        api=api,
        caches=some_caches(requests=[own, *requests], grants=[made]),
        ledger=ledger,
        settings=settings,
        clock=clock,
    )
    await GrantReconciler(world).reconcile(GRANT.id)
    (event,) = [each for each in ledger.entries if each.code is EventCode.REQUEST_CLOSED]
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
