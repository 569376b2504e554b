"""Access that was approved for later is looked at again when it opens: what holds then, counts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from jitgress.domain.event import EventCode
from jitgress.domain.subject import Subject
from jitgress.kube.resources import ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_TARGETS
from tests.simulators.objects import a_request_object
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster, state
from tests.unit.operator.lives import ask, codes, edit_policy, ended, events, grants, in_s, review, status

HOUR_S: Final = 3600


async def booked(cluster: Cluster) -> None:
    """Have an access approved that begins in an hour."""
    await cluster.fill()
    await edit_policy(cluster, maxStartAheadSeconds=2 * HOUR_S)
    cluster.start()
    await review(cluster, await ask(cluster, startTime=in_s(cluster, HOUR_S)))


def test_nothing_is_open_before_the_start_and_everything_after_it() -> None:
    async def story(cluster: Cluster) -> None:
        await booked(cluster)
        told = await status(cluster)
        assert state({"status": told}) == "Scheduled"
        assert grants(cluster) == []
        assert codes(cluster) == ["request.received", "review.counted", "request.scheduled"]

        await asyncio.sleep(HOUR_S)

        (grant,) = grants(cluster)
        assert {"notBefore": grant["notBefore"], "notAfter": grant["notAfter"]} == told["window"]
        assert codes(cluster)[3:] == ["grant.opened", "grant.active"]

    in_a_cluster(story)


async def delete_the_policy(cluster: Cluster) -> None:
    await cluster.api.delete(ACCESS_POLICIES, "standard")


async def delete_the_target(cluster: Cluster) -> None:
    await cluster.api.delete(ACCESS_TARGETS, "orders", "shop")


async def leave_the_group(cluster: Cluster) -> None:
    """Ask for something else, as somebody who isn't in the group any more."""
    await cluster.api.create(ACCESS_REQUESTS, a_request_object("other", requester=Subject("alice", frozenset({"ops"}))))


async def deny_by_policy(cluster: Cluster) -> None:
    await edit_policy(cluster, effect="Deny", message="closed for the holidays")


@pytest.mark.parametrize(
    ("change", "end"),
    [
        (delete_the_policy, ("Denied", "no_policy")),
        (delete_the_target, ("Denied", "target_unknown")),
        (leave_the_group, ("Denied", "groups_changed")),
        (deny_by_policy, ("Denied", "policy_denies")),
    ],
    ids=["policy deleted", "target deleted", "group left", "policy denies"],
)
def test_what_changed_between_approval_and_opening_counts(
    change: Callable[[Cluster], Awaitable[None]], end: tuple[str, str]
) -> None:
    async def story(cluster: Cluster) -> None:
        await booked(cluster)

        await change(cluster)
        await asyncio.sleep(HOUR_S)

        assert await ended(cluster) == end
        assert grants(cluster) == []
        assert events(cluster, EventCode.GRANT_OPENED) == []

    in_a_cluster(story)


def test_an_approval_that_was_withdrawn_before_the_start_opens_nothing() -> None:
    async def story(cluster: Cluster) -> None:
        await booked(cluster)
        (request,) = cluster.all_of(ACCESS_REQUESTS)

        await review(cluster, request, decision="Revoke")
        await asyncio.sleep(HOUR_S)

        assert await ended(cluster) == ("Revoked", "")
        assert events(cluster, EventCode.GRANT_OPENED) == []

    in_a_cluster(story)


def test_what_happened_while_the_operator_was_away_counts_as_well() -> None:
    async def story(cluster: Cluster) -> None:
        await booked(cluster)
        await cluster.processes[0].stop()
        await delete_the_policy(cluster)
        await asyncio.sleep(HOUR_S)

        cluster.start()
        await asyncio.sleep(10)

        assert await ended(cluster) == ("Denied", "no_policy")
        assert events(cluster, EventCode.GRANT_OPENED) == []

    in_a_cluster(story)


def test_an_approver_can_move_the_start_to_later() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        await edit_policy(cluster, maxStartAheadSeconds=2 * HOUR_S)
        cluster.start()
        start = in_s(cluster, HOUR_S)
        await review(cluster, await ask(cluster), startTime=start)
        assert grants(cluster) == []

        await asyncio.sleep(HOUR_S)

        assert [each["notBefore"] for each in grants(cluster)] == [start]

    in_a_cluster(story)


def test_the_end_of_a_change_ends_the_access_that_it_was_for() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start()
        end = in_s(cluster, 60)
        await review(cluster, await ask(cluster, endTime=end))
        assert [each["notAfter"] for each in grants(cluster)] == [end]

        await asyncio.sleep(60 + SETTLED_S)

        assert await ended(cluster) == ("Expired", "")

    in_a_cluster(story)
