"""Glass is broken at once by those who may, is told as such, and has to be reviewed after."""

import asyncio
from typing import Any, Final

import pytest

from jitgress.domain.event import EventCode
from jitgress.domain.subject import Subject
from jitgress.operator.conditions import find_condition
from tests.builders import ALICE, BOB, CAROL
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster
from tests.unit.operator.lives import ask, codes, edit_policy, ended, events, grants, review, status

DANA: Final = Subject("dana", frozenset({"dev", "oncall"}))
REVIEW_WITHIN_S: Final = 900


async def broken(cluster: Cluster, **terms: Any) -> dict[str, Any]:
    """Have dana break the glass for 10 minutes."""
    await cluster.fill()
    glass = {
        "subjects": [{"kind": "Group", "name": "oncall"}],
        "maxDurationSeconds": 1200,
        "reviewWithinSeconds": REVIEW_WITHIN_S,
    }
    await edit_policy(cluster, breakGlass=glass | terms)
    cluster.start()
    return await ask(cluster, "glass", DANA, breakGlass=True)


async def reviewed(cluster: Cluster) -> tuple[str, str]:
    condition = find_condition(await status(cluster, "glass"), "Reviewed")
    assert condition is not None
    return condition["status"], condition["reason"]


def test_it_opens_without_anybodys_approval_and_says_what_it_is() -> None:
    async def story(cluster: Cluster) -> None:
        await broken(cluster)

        (grant,) = grants(cluster)
        assert grant["reviewBy"] == "2026-01-01T10:15:03.000Z"
        told = await status(cluster, "glass")
        assert told["breakGlass"] == {"reviewDueAt": "2026-01-01T10:15:03.000Z"}
        assert await reviewed(cluster) == ("False", "Due")
        (opened,) = events(cluster, EventCode.GRANT_OPENED, "glass")
        assert opened.data["break_glass"] is True

    in_a_cluster(story)


@pytest.mark.parametrize("who", [ALICE, Subject("dana", frozenset({"dev"}))], ids=["another", "left the group"])
def test_it_opens_for_nobody_whom_the_policy_doesnt_name_for_it(who: Subject) -> None:
    async def story(cluster: Cluster) -> None:
        await broken(cluster)
        await ask(cluster, "other", who, breakGlass=True)

        assert await ended(cluster, "other") == ("Denied", "break_glass_impossible")
        assert "grant.opened" not in codes(cluster, "other")

    in_a_cluster(story)


def test_who_may_no_longer_break_the_glass_loses_what_is_open() -> None:
    async def story(cluster: Cluster) -> None:
        await broken(cluster)

        await edit_policy(cluster, breakGlass=None)

        assert await ended(cluster, "glass") == ("Denied", "break_glass_impossible")
        assert grants(cluster) == []

    in_a_cluster(story)


def test_a_review_in_time_is_recorded_once_and_leaves_it_open() -> None:
    async def story(cluster: Cluster) -> None:
        request = await broken(cluster)
        await review(cluster, request)
        await review(cluster, request)
        await asyncio.sleep(2 * REVIEW_WITHIN_S)

        assert await reviewed(cluster) == ("True", "Reviewed")
        told = (await status(cluster, "glass"))["breakGlass"]
        assert (told["reviewedBy"], told["verdict"]) == ("carol", "Approve")
        assert codes(cluster, "glass").count("break_glass.reviewed") == 1
        assert "break_glass.overdue" not in codes(cluster, "glass")
        assert await ended(cluster, "glass") == ("Expired", "")

    in_a_cluster(story)


@pytest.mark.parametrize("who", [DANA, BOB, Subject("DANA", frozenset({"approvers"}))], ids=lambda who: who.username)
def test_nobody_reviews_their_own_broken_glass_nor_somebody_who_may_not(who: Subject) -> None:
    async def story(cluster: Cluster) -> None:
        await review(cluster, await broken(cluster), who)

        assert await reviewed(cluster) == ("False", "Due")
        assert "break_glass.reviewed" not in codes(cluster, "glass")

    in_a_cluster(story)


def test_a_review_that_denies_closes_it_and_is_a_review() -> None:
    async def story(cluster: Cluster) -> None:
        await review(cluster, await broken(cluster), CAROL, "Deny")

        assert await ended(cluster, "glass") == ("Denied", "approver_denied")
        assert await reviewed(cluster) == ("True", "Reviewed")
        assert grants(cluster) == []

    in_a_cluster(story)


def test_what_nobody_reviewed_in_time_is_overdue_once_and_can_be_reviewed_late() -> None:
    async def story(cluster: Cluster) -> None:
        request = await broken(cluster)
        await asyncio.sleep(REVIEW_WITHIN_S + SETTLED_S)
        assert await reviewed(cluster) == ("False", "Overdue")

        await cluster.processes[0].stop()
        cluster.start()
        await asyncio.sleep(10)
        await review(cluster, request)

        assert await reviewed(cluster) == ("True", "Reviewed")
        assert [each for each in codes(cluster, "glass") if each.startswith("break_glass")] == [
            "break_glass.overdue",
            "break_glass.reviewed",
        ]

    in_a_cluster(story)


def test_whose_review_is_overdue_is_locked_out_until_it_is_there() -> None:
    async def story(cluster: Cluster) -> None:
        request = await broken(cluster, lockOut=True)
        await asyncio.sleep(REVIEW_WITHIN_S + SETTLED_S)
        await ask(cluster, "again", DANA, breakGlass=True)
        assert await ended(cluster, "again") == ("Denied", "review_overdue")

        await review(cluster, request)
        await ask(cluster, "later", DANA, breakGlass=True)

        assert [each["request"]["name"] for each in grants(cluster)] == ["later"]

    in_a_cluster(story)


def test_it_never_lasts_longer_than_the_policy_lets_it() -> None:
    async def story(cluster: Cluster) -> None:
        await broken(cluster)
        await ask(cluster, "long", DANA, breakGlass=True, durationSeconds=1201)

        assert await ended(cluster, "long") == ("Denied", "duration_over_cap")

    in_a_cluster(story)
