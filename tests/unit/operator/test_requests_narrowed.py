"""What is open when a policy or a target is edited: it becomes less or closes, and never more."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from jitgress.domain.event import EventCode
from jitgress.kube.errors import error_of
from jitgress.kube.resources import ACCESS_GRANTS
from tests.builders import CHRIS
from tests.simulators.kube_api import Call
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster
from tests.unit.operator.lives import ask, codes, edit_policy, edit_target, ended, events, grants, review, status


async def opened(cluster: Cluster, **fields: Any) -> None:
    await cluster.fill()
    cluster.start()
    await review(cluster, await ask(cluster, **fields))
    assert len(grants(cluster)) == 1


@pytest.mark.parametrize(
    ("edit", "field", "left"),
    [
        ({"scope": {"paths": ["/api"], "methods": ["GET", "POST"]}}, "paths", ["/api"]),
        ({"scope": {"paths": ["/"], "methods": ["GET"]}}, "methods", ["GET"]),
        ({"sourceCIDRs": ["10.0.0.0/8"]}, "sourceCIDRs", ["10.0.0.0/8"]),
        ({"maxDurationSeconds": 300}, "notAfter", "2026-01-01T10:05:03.000Z"),
        (
            {"schedule": {"timeZone": "UTC", "windows": [{"days": ["Thu"], "from": "09:00", "to": "10:05"}]}},
            "notAfter",
            "2026-01-01T10:05:00.000Z",
        ),
    ],
    ids=["paths", "methods", "sources", "duration", "weekly hours"],
)
def test_a_tightened_policy_leaves_of_a_grant_what_it_still_permits(
    edit: dict[str, Any], field: str, left: object
) -> None:
    """What the request left open follows the policy; the record comes first."""

    async def story(cluster: Cluster) -> None:
        await opened(cluster, paths=None, durationSeconds=None)
        (before,) = grants(cluster)

        await edit_policy(cluster, **edit)

        (after,) = grants(cluster)
        assert after[field] == left
        assert {key: value for key, value in after.items() if key != field} == {
            key: value for key, value in before.items() if key != field
        }
        assert len(events(cluster, EventCode.GRANT_NARROWED)) == 1

    in_a_cluster(story)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ({"effect": "Deny"}, "policy_denies"),
        ({"tomorrow": True}, "policy_defective"),
        ({"subjects": [{"kind": "Group", "name": "ops"}]}, "no_policy"),
        (
            {"schedule": {"timeZone": "UTC", "windows": [{"days": ["Thu"], "from": "11:00", "to": "12:00"}]}},
            "outside_schedule",
        ),
        ({"ticket": {"pattern": "CHG-[0-9]+"}}, "ticket_unfit"),
        ({"mfa": {"methods": ["hwk"]}}, "mfa_missing"),
    ],
    ids=["deny", "unreadable", "subjects", "weekly hours", "ticket", "sign-in"],
)
def test_what_a_tightened_policy_would_not_permit_is_closed_and_says_why(edit: dict[str, Any], code: str) -> None:
    async def story(cluster: Cluster) -> None:
        await opened(cluster)

        await edit_policy(cluster, **edit)

        assert await ended(cluster) == ("Denied", code)
        assert grants(cluster) == []
        (closed,) = events(cluster, EventCode.REQUEST_CLOSED)
        denial: Any = closed.data["denial"]
        assert denial["code"] == code
        assert denial["message"] in (await status(cluster))["message"]

    in_a_cluster(story)


def test_more_approvals_than_there_were_close_what_is_open() -> None:
    async def story(cluster: Cluster) -> None:
        await opened(cluster)

        approvers = [{"kind": "Group", "name": "approvers"}]
        await edit_policy(cluster, approval={"required": 2, "approvers": approvers, "timeoutSeconds": 60})

        assert await ended(cluster) == ("Revoked", "")
        assert grants(cluster) == []

    in_a_cluster(story)


@pytest.mark.parametrize(
    "edit",
    [{"maxDurationSeconds": 7200}, {"scope": {"paths": ["/"], "methods": ["GET", "POST", "DELETE"]}}, {"mfa": None}],
    ids=["cap", "scope", "sign-in"],
)
def test_a_loosened_policy_changes_nothing_that_is_open(edit: dict[str, Any]) -> None:
    async def story(cluster: Cluster) -> None:
        await opened(cluster, paths=None, durationSeconds=None)
        before = cluster.all_of(ACCESS_GRANTS)

        await edit_policy(cluster, **edit)
        await edit_target(cluster, methods=["GET", "POST", "DELETE"])

        assert [each["spec"] for each in cluster.all_of(ACCESS_GRANTS)] == [each["spec"] for each in before]
        assert events(cluster, EventCode.GRANT_NARROWED) == []

    in_a_cluster(story)


def test_what_was_narrowed_stays_so_when_the_policy_is_loosened_again() -> None:
    async def story(cluster: Cluster) -> None:
        await opened(cluster, paths=None)
        await edit_policy(cluster, scope={"paths": ["/api"], "methods": ["GET"]})

        await edit_policy(cluster, scope=None)
        await edit_policy(cluster, scope={"paths": ["/"], "methods": ["GET", "POST"]})

        assert [each["paths"] for each in grants(cluster)] == [["/api"]]
        assert len(events(cluster, EventCode.GRANT_NARROWED)) == 1

    in_a_cluster(story)


def test_a_target_that_declares_less_narrows_what_is_open() -> None:
    async def story(cluster: Cluster) -> None:
        await opened(cluster, paths=None)

        await edit_target(cluster, paths=["/api"])

        assert [each["paths"] for each in grants(cluster)] == [["/api"]]

    in_a_cluster(story)


def test_a_grant_is_replaced_as_it_was_seen_and_after_its_record() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        seen: list[tuple[Any, list[str]]] = []

        def see(call: Call) -> None:
            if call.verb == "replace" and call.resource is ACCESS_GRANTS and call.body is not None:
                seen.append((call.body["metadata"], codes(cluster)))

        cluster.start(see_call=see)
        await review(cluster, await ask(cluster, paths=None))
        (before,) = cluster.all_of(ACCESS_GRANTS)
        await edit_policy(cluster, scope={"paths": ["/api"], "methods": ["GET"]})

        ((metadata, recorded),) = seen
        assert metadata["uid"] == before["metadata"]["uid"]
        assert metadata["resourceVersion"] == before["metadata"]["resourceVersion"]
        assert recorded[-1] == "grant.narrowed"

    in_a_cluster(story)


def refusing(status: int, reason: str, seen: list[Call], times: int | None = None) -> Callable[[Call], None]:
    """Return what refuses to replace a grant: always, or so many times."""

    def refuse(call: Call) -> None:
        if call.verb == "replace" and call.resource is ACCESS_GRANTS:
            seen.append(call)
            if times is None or len(seen) <= times:
                raise error_of(status, reason, "spec.paths: Too many: 62: must have at most 32 items")

    return refuse


@pytest.mark.parametrize("is_probed", [True, False], ids=["active", "not probed yet"])
def test_a_grant_that_cannot_be_narrowed_is_removed(*, is_probed: bool) -> None:
    """Left as it was it would stay open wider than the ledger says and the policy permits."""

    async def story(cluster: Cluster) -> None:
        tried: list[Call] = []
        await cluster.fill()
        if not is_probed:
            await cluster.gate.vanish()
        cluster.start(see_call=refusing(422, "Invalid", tried))
        await review(cluster, await ask(cluster, paths=None))
        assert [each["paths"] for each in grants(cluster)] == [["/"]]

        await edit_policy(cluster, scope={"paths": ["/api"], "methods": ["GET"]})

        assert grants(cluster) == []
        assert await ended(cluster) == ("Revoked", "")
        assert codes(cluster)[-1] in ("request.closed", "host.hidden")
        await asyncio.sleep(120)
        assert (grants(cluster), len(tried)) == ([], 1)

    in_a_cluster(story)


@pytest.mark.parametrize(
    ("code", "reason"), [(409, "Conflict"), (500, "InternalError")], ids=["changed in between", "a fault"]
)
def test_what_may_succeed_later_is_tried_again(code: int, reason: str) -> None:
    async def story(cluster: Cluster) -> None:
        tried: list[Call] = []
        await cluster.fill()
        cluster.start(see_call=refusing(code, reason, tried, times=1))
        await review(cluster, await ask(cluster, paths=None))

        await edit_policy(cluster, scope={"paths": ["/api"], "methods": ["GET"]})
        await asyncio.sleep(15)

        assert [each["paths"] for each in grants(cluster)] == [["/api"]]
        assert len(tried) == 2

    in_a_cluster(story)


def test_a_grant_that_was_narrowed_twice_is_left_with_the_least() -> None:
    async def story(cluster: Cluster) -> None:
        await opened(cluster, paths=None, durationSeconds=None)

        await edit_policy(cluster, scope={"paths": ["/api"], "methods": ["GET", "POST"]})
        await edit_policy(cluster, scope={"paths": ["/api/v1"], "methods": ["GET"]}, maxDurationSeconds=300)

        (grant,) = grants(cluster)
        assert (grant["paths"], grant["methods"]) == (["/api/v1"], ["GET"])
        assert len(events(cluster, EventCode.GRANT_NARROWED)) == 2
        await asyncio.sleep(300)
        assert await ended(cluster) == ("Expired", "")

    in_a_cluster(story)


def test_nothing_is_narrowed_while_the_ledger_is_down_but_afterwards() -> None:
    async def story(cluster: Cluster) -> None:
        await opened(cluster, paths=None)
        cluster.ledger.is_down = True
        await edit_policy(cluster, scope={"paths": ["/api"], "methods": ["GET"]})
        assert [each["paths"] for each in grants(cluster)] == [["/"]]

        cluster.ledger.is_down = False
        await asyncio.sleep(15)

        assert [each["paths"] for each in grants(cluster)] == [["/api"]]

    in_a_cluster(story)


def test_an_approver_leaves_less_than_was_asked_for() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start()
        request = await ask(cluster, paths=None)
        await review(cluster, request, CHRIS, durationSeconds=60, paths=["/api"], methods=["GET"])

        (grant,) = grants(cluster)
        assert (grant["paths"], grant["methods"]) == (["/api"], ["GET"])
        await asyncio.sleep(60 + SETTLED_S)
        assert await ended(cluster) == ("Expired", "")

    in_a_cluster(story)
