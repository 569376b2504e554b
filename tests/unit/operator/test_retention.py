"""Closed requests are removed after a while, with what belongs to them; nothing open or unfinished ever is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from jitgress.domain.course import EXPIRED
from jitgress.domain.event import Event, EventCode
from jitgress.domain.subject import Subject
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_REQUESTS, ACCESS_REVIEWS
from jitgress.operator import record
from jitgress.operator.retention.decide import Facts, keeps
from jitgress.operator.settings import OperatorSettings
from tests.builders import NOW, a_grant, a_request, a_review, after
from tests.simulators.kube_api import Call
from tests.unit.operator.cluster import Cluster, in_a_cluster
from tests.unit.operator.lives import ask, codes, edit_policy, review

DAY: Final = timedelta(days=1)
REQUEST: Final = a_request()
HIDDEN: Final = Event(id="hidden", code=EventCode.HOST_HIDDEN, at=after(1), actor="jitgress-operator")
OPENED: Final = record.opened(REQUEST, a_grant(), [], [], NOW)
BROKEN: Final = record.opened(REQUEST, a_grant(review_by=after(60)), [], [], NOW)
CLOSED: Final = record.closed(REQUEST, EXPIRED, a_grant(), after(1))
REVIEWED: Final = record.reviewed(REQUEST, a_review(), NOW)
OVERDUE: Final = record.overdue(REQUEST, after(60), after(60))

OVER: Final = Facts(says_closed=True, has_grant=False, history=(OPENED, CLOSED, HIDDEN))


def test_what_was_closed_and_seen_hidden_is_kept_for_its_time_and_not_longer() -> None:
    assert keeps(OVER, DAY, after(86_400)) == "it was closed not long ago"
    assert keeps(OVER, DAY, after(86_401)) is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (replace(OVER, says_closed=False), "it isn't closed"),
        (replace(OVER, history=(OPENED, HIDDEN)), "it isn't closed"),
        (replace(OVER, history=()), "it isn't closed"),
        (replace(OVER, has_grant=True), "its grant is still there"),
        (replace(OVER, history=(OPENED, CLOSED)), "its host was not seen hidden yet"),
        (replace(OVER, history=(BROKEN, CLOSED, HIDDEN)), "its broken glass was not reviewed yet"),
        (replace(OVER, history=(BROKEN, CLOSED, HIDDEN, OVERDUE)), "its broken glass was not reviewed yet"),
    ],
    ids=["status", "ledger", "unknown", "grant", "not hidden", "not reviewed", "overdue"],
)
def test_what_is_not_finished_stays_however_old_it_is(facts: Facts, why: str) -> None:
    assert keeps(facts, DAY, after(1_000_000)) == why


@pytest.mark.parametrize(
    "history",
    [(CLOSED,), (BROKEN, CLOSED, HIDDEN, REVIEWED), (BROKEN, CLOSED, HIDDEN, OVERDUE, REVIEWED)],
    ids=["never opened", "reviewed", "reviewed late"],
)
def test_what_is_finished_goes(history: tuple[Event, ...]) -> None:
    assert keeps(replace(OVER, history=history), DAY, after(1_000_000)) is None


def names(cluster: Cluster) -> list[str]:
    return [each["metadata"]["name"] for each in cluster.all_of(ACCESS_REQUESTS)]


async def two_days_later(cluster: Cluster) -> None:
    """Put the clock forward; the next sweep comes within the hour."""
    cluster.clock.offset += timedelta(days=2)
    await asyncio.sleep(30)


def start(cluster: Cluster, see_call: Callable[[Call], None] = lambda _: None) -> None:
    cluster.start(OperatorSettings(retention=DAY), see_call=see_call)


def test_a_request_goes_with_its_reviews_and_after_the_record_of_that() -> None:
    async def story(cluster: Cluster) -> None:
        recorded: list[str] = []

        def see(call: Call) -> None:
            if call.verb == "delete" and call.resource in (ACCESS_REQUESTS, ACCESS_REVIEWS):
                recorded.append(codes(cluster)[-1])

        await cluster.fill()
        start(cluster, see)
        request = await ask(cluster)
        await review(cluster, request)
        await review(cluster, request, decision="Revoke")
        await asyncio.sleep(10)
        await two_days_later(cluster)

        assert (names(cluster), cluster.all_of(ACCESS_REVIEWS)) == ([], [])
        assert recorded == ["request.removed"] * 3
        assert codes(cluster).count("request.removed") == 1

    in_a_cluster(story)


def test_a_request_that_waits_or_is_open_stays() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        approvers = [{"kind": "Group", "name": "approvers"}]
        week = {"required": 1, "approvers": approvers, "timeoutSeconds": 604_800}
        await edit_policy(cluster, approval=week, maxStartAheadSeconds=604_800)
        start(cluster)
        await ask(cluster, "waits")
        await review(cluster, await ask(cluster, "scheduled", startTime="2026-01-05T10:00:00Z"))
        await two_days_later(cluster)
        await review(cluster, await ask(cluster, "open"))

        assert names(cluster) == ["waits", "scheduled", "open"]
        assert len(cluster.all_of(ACCESS_GRANTS)) == 1

    in_a_cluster(story)


def test_a_broken_glass_stays_until_somebody_reviewed_it() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        glass = {"subjects": [{"kind": "Group", "name": "dev"}], "maxDurationSeconds": 600, "reviewWithinSeconds": 600}
        await edit_policy(cluster, breakGlass=glass)
        start(cluster)
        request = await ask(cluster, "glass", Subject("dana", frozenset({"dev"})), breakGlass=True)
        await asyncio.sleep(620)
        await two_days_later(cluster)
        assert names(cluster) == ["glass"]

        await review(cluster, request)
        await asyncio.sleep(3600)

        assert names(cluster) == []

    in_a_cluster(story)


def test_nothing_is_removed_while_the_ledger_is_down() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        start(cluster)
        await review(cluster, await ask(cluster), decision="Deny")
        cluster.ledger.is_down = True
        await two_days_later(cluster)
        assert names(cluster) == ["alice-orders"]

        cluster.ledger.is_down = False
        await asyncio.sleep(60)
        assert names(cluster) == []

    in_a_cluster(story)


def test_reviews_whose_request_is_gone_go_as_well() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        start(cluster)
        await review(cluster, await ask(cluster), decision="Deny")
        await cluster.api.delete(ACCESS_REQUESTS, "alice-orders", "shop")
        await two_days_later(cluster)
        await asyncio.sleep(3600)

        assert cluster.all_of(ACCESS_REVIEWS) == []

    in_a_cluster(story)
