"""A whole operator and whoever tells people: what is told was recorded before, and is told once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jitgress.domain.event import EventCode
from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_REQUESTS
from jitgress.notify.message import Moment, message_of
from jitgress.operator.ports import News
from tests.simulators.objects import a_policy_object, a_request_object
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster, state


@dataclass(slots=True)
class Listening:
    """A `Notifier` that remembers. `unrecorded` is what was told of and was not in the ledger."""

    is_recorded: Callable[[str], bool]
    told: list[News] = field(default_factory=list)
    unrecorded: list[News] = field(default_factory=list)

    def tell(self, news: News) -> None:
        self.told.append(news)
        if not self.is_recorded(news.event.id):
            self.unrecorded.append(news)

    def codes(self) -> list[EventCode]:
        return [news.event.code for news in self.told]

    def moments(self) -> list[Moment]:
        return [message.moment for news in self.told if (message := message_of(news)) is not None]


def listening(cluster: Cluster) -> Listening:
    """Listen to what the cluster's operators tell."""
    told = Listening(lambda event_id: any(each.id == event_id for each in cluster.ledger.entries))
    cluster.notifier = told
    return told


def with_break_glass(required: int = 1) -> dict[str, Any]:
    """Return a policy that goes before the cluster's own, under which developers may break the glass."""
    found = dict(a_policy_object("break-glass", required=required, priority=1))
    terms = {"subjects": [{"kind": "Group", "name": "dev"}], "maxDurationSeconds": 600, "reviewWithinSeconds": 3600}
    return {**found, "spec": {**found["spec"], "breakGlass": terms}}


def breaking_glass() -> dict[str, Any]:
    found = dict(a_request_object(duration_s=300))
    return {**found, "spec": {**found["spec"], "breakGlass": True}}


def test_each_step_is_told_once_and_is_in_the_ledger_by_then() -> None:
    async def story(cluster: Cluster) -> None:
        told = listening(cluster)
        await cluster.fill()
        cluster.start()
        await cluster.ask_and_approve()

        assert told.codes() == [
            EventCode.REQUEST_RECEIVED,
            EventCode.REVIEW_COUNTED,
            EventCode.GRANT_OPENED,
            EventCode.GRANT_ACTIVE,
        ]
        assert told.unrecorded == []

    in_a_cluster(story)


def test_a_request_that_waits_is_told_with_whom_it_waits_for() -> None:
    async def story(cluster: Cluster) -> None:
        told = listening(cluster)
        await cluster.fill()
        cluster.start()
        await cluster.api.create(ACCESS_REQUESTS, a_request_object())
        await asyncio.sleep(SETTLED_S)

        (news,) = told.told
        assert news.waits_for == ("group approvers",)
        assert news.request.ref.name == "alice-orders"
        assert told.moments() == [Moment.AWAITING_APPROVAL]

    in_a_cluster(story)


def test_of_a_request_that_nobody_need_approve_nobody_is_told() -> None:
    async def story(cluster: Cluster) -> None:
        told = listening(cluster)
        await cluster.fill()
        await cluster.api.create(ACCESS_POLICIES, a_policy_object("automatic", required=0, priority=1))
        cluster.start()
        await cluster.api.create(ACCESS_REQUESTS, a_request_object())
        await asyncio.sleep(SETTLED_S)

        assert EventCode.GRANT_OPENED in told.codes()
        assert told.moments() == []

    in_a_cluster(story)


def test_broken_glass_is_told_at_once_and_again_when_its_review_is_overdue() -> None:
    async def story(cluster: Cluster) -> None:
        told = listening(cluster)
        await cluster.fill()
        await cluster.api.create(ACCESS_POLICIES, with_break_glass())
        cluster.start()
        await cluster.api.create(ACCESS_REQUESTS, breaking_glass())
        await asyncio.sleep(SETTLED_S)
        assert told.moments() == [Moment.BREAK_GLASS]
        await asyncio.sleep(3600)

        assert told.moments() == [Moment.BREAK_GLASS, Moment.OVERDUE_REVIEW]

    in_a_cluster(story)


def test_what_was_told_is_not_told_again_by_a_successor() -> None:
    async def story(cluster: Cluster) -> None:
        told = listening(cluster)
        await cluster.fill()
        await cluster.api.create(ACCESS_POLICIES, with_break_glass())
        cluster.start()
        await cluster.api.create(ACCESS_REQUESTS, breaking_glass())
        await asyncio.sleep(SETTLED_S)
        await cluster.processes[0].kill()
        cluster.start()
        await asyncio.sleep(30)

        assert told.moments() == [Moment.BREAK_GLASS]
        assert state(dict(await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop"))) == "Active"

    in_a_cluster(story)


def test_broken_glass_is_told_even_if_its_grant_cannot_be_made_yet() -> None:
    async def story(cluster: Cluster) -> None:
        told = listening(cluster)
        await cluster.fill()
        await cluster.api.create(ACCESS_POLICIES, with_break_glass())
        process = cluster.start()
        await asyncio.sleep(SETTLED_S)

        def lose_the_connection(event: object) -> None:
            if getattr(event, "code", None) is EventCode.GRANT_OPENED:
                process.faults.calls_until_outage = 0

        process.see_event = lose_the_connection
        await cluster.api.create(ACCESS_REQUESTS, breaking_glass())
        await asyncio.sleep(SETTLED_S)

        assert told.moments() == [Moment.BREAK_GLASS]

    in_a_cluster(story)
