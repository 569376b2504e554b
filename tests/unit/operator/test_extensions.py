"""One request takes over from another without a gap, and never beyond the policy's sum."""

import asyncio
from datetime import datetime
from typing import Any, Final

import pytest

from jitgress.domain.event import EventCode
from jitgress.domain.subject import Subject
from jitgress.domain.window import parse_time
from jitgress.kube.resources import ACCESS_GRANTS
from tests.builders import ALICE, BOB
from tests.simulators.kube_api import Call
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster
from tests.unit.operator.lives import add_policy, ask, codes, edit_policy, ended, events, grants, review

AMY: Final = Subject("amy", frozenset({"auto"}))
TERMS: Final = {"max": 2, "maxTotalSeconds": 1500}


def extending(request: dict[str, Any]) -> dict[str, Any]:
    return {"extends": {"name": request["metadata"]["name"], "uid": request["metadata"]["uid"]}}


async def opened(cluster: Cluster, **terms: Any) -> dict[str, Any]:
    """Open amy's access for 10 minutes, which nobody need approve."""
    await cluster.fill()
    await add_policy(cluster, "auto", "auto", extensions=TERMS, **terms)
    cluster.start()
    return await ask(cluster, "first", AMY)


def window(cluster: Cluster, name: str) -> tuple[datetime, datetime]:
    (spec,) = [each for each in grants(cluster) if each["request"]["name"] == name]
    return parse_time(spec["notBefore"]), parse_time(spec["notAfter"])


def test_an_extension_begins_at_once_and_adds_its_time_to_the_end() -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster)
        await ask(cluster, "second", AMY, durationSeconds=300, **extending(first))

        (_, end), (begin, later) = window(cluster, "first"), window(cluster, "second")
        assert begin < end
        assert (later - end).total_seconds() == 300

    in_a_cluster(story)


def test_there_is_no_moment_without_a_grant_and_the_first_one_is_superseded() -> None:
    async def story(cluster: Cluster) -> None:
        there: list[int] = []

        def see(call: Call) -> None:
            if call.resource is ACCESS_GRANTS and call.verb == "delete":
                there.append(len(grants(cluster)))

        await cluster.fill()
        await add_policy(cluster, "auto", "auto", extensions=TERMS)
        cluster.start(see_call=see)
        first = await ask(cluster, "first", AMY)
        await ask(cluster, "second", AMY, durationSeconds=300, **extending(first))
        await asyncio.sleep(600)

        assert there[0] == 2
        assert min(there) >= 1
        assert await ended(cluster, "first") == ("Superseded", "")
        assert [each["request"]["name"] for each in grants(cluster)] == ["second"]
        await asyncio.sleep(300)
        assert await ended(cluster, "second") == ("Expired", "")

    in_a_cluster(story)


def test_a_chain_of_extensions_ends_with_the_sum_and_the_number() -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster)
        too_long = await ask(cluster, "too-long", AMY, durationSeconds=901, **extending(first))
        second = await ask(cluster, "second", AMY, durationSeconds=600, **extending(first))
        third = await ask(cluster, "third", AMY, durationSeconds=300, **extending(second))
        await ask(cluster, "fourth", AMY, durationSeconds=1, **extending(third))

        assert await ended(cluster, too_long["metadata"]["name"]) == ("Denied", "extension_over_sum")
        assert await ended(cluster, "fourth") == ("Denied", "extension_impossible")
        (spec,) = [each for each in grants(cluster) if each["request"]["name"] == "third"]
        assert spec["extensions"] == 2
        assert (parse_time(spec["notAfter"]) - parse_time(spec["since"])).total_seconds() == 1500

    in_a_cluster(story)


@pytest.mark.parametrize("terms", [None, {"max": 1, "maxTotalSeconds": 86_400}], ids=["none", "fewer"])
def test_an_open_extension_ends_when_the_policy_permits_no_such_any_more(terms: dict[str, int] | None) -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster)
        second = await ask(cluster, "second", AMY, durationSeconds=60, **extending(first))
        await ask(cluster, "third", AMY, durationSeconds=60, **extending(second))

        await edit_policy(cluster, "auto", extensions=terms)

        assert await ended(cluster, "third") == ("Denied", "extension_impossible")
        assert await ended(cluster, "first") is None

    in_a_cluster(story)


def test_nobody_extends_somebody_elses_access() -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster)
        other = Subject("andy", frozenset({"auto"}))
        await ask(cluster, "second", other, durationSeconds=300, **extending(first))

        assert await ended(cluster, "second") == ("Denied", "extension_impossible")

    in_a_cluster(story)


def test_what_was_given_back_is_not_extended() -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster)
        await review(cluster, first, AMY, "Revoke")
        await ask(cluster, "second", AMY, durationSeconds=300, **extending(first))

        assert await ended(cluster, "first") == ("Revoked", "")
        assert await ended(cluster, "second") == ("Denied", "extension_impossible")

    in_a_cluster(story)


def test_what_was_stopped_while_the_ledger_was_down_is_not_extended_before_that_is_recorded() -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster)
        await cluster.processes[0].stop()
        await cluster.api.delete(ACCESS_GRANTS, first["metadata"]["uid"], "jitgress-system")
        await ask(cluster, "second", AMY, durationSeconds=300, **extending(first))
        cluster.start()
        await asyncio.sleep(10)

        assert await ended(cluster, "second") == ("Denied", "extension_impossible")
        assert events(cluster, EventCode.GRANT_OPENED, "second") == []

    in_a_cluster(story)


def test_an_extension_stays_when_what_it_extended_is_given_back() -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster)
        await ask(cluster, "second", AMY, durationSeconds=300, **extending(first))
        await review(cluster, first, AMY, "Revoke")

        assert [each["request"]["name"] for each in grants(cluster)] == ["second"]
        assert "request.closed" not in codes(cluster, "second")

    in_a_cluster(story)


def test_what_an_extension_takes_over_is_not_counted_against_it() -> None:
    async def story(cluster: Cluster) -> None:
        first = await opened(cluster, limits={"concurrentPerSubject": 1})
        await ask(cluster, "second", AMY, durationSeconds=300, **extending(first))
        await ask(cluster, "third", AMY)

        assert len(grants(cluster)) == 2
        assert await ended(cluster, "third") == ("Denied", "limit_reached")

    in_a_cluster(story)


def test_an_extension_needs_the_same_approval_as_any_request() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        await add_policy(cluster, "more", "dev", 50, extensions=TERMS, approval=_one_approval())
        cluster.start()
        first = await ask(cluster, "first", ALICE)
        await review(cluster, first)
        second = await ask(cluster, "second", ALICE, durationSeconds=300, **extending(first))
        assert len(grants(cluster)) == 1
        await review(cluster, second, BOB)
        assert len(grants(cluster)) == 1

        await review(cluster, second)
        assert len(grants(cluster)) == 2
        await asyncio.sleep(600 + SETTLED_S)
        assert await ended(cluster, "first") == ("Superseded", "")

    in_a_cluster(story)


def _one_approval() -> dict[str, Any]:
    return {"required": 1, "approvers": [{"kind": "Group", "name": "approvers"}], "timeoutSeconds": 3600}
