"""Whether a policy is Ready, and what its status says where it isn't."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest

from jitgress.domain.approval import Approval
from jitgress.domain.policy import Effect, Policy
from jitgress.domain.terms import Extensions
from jitgress.kube.resources import ACCESS_POLICIES
from jitgress.operator.conditions import find_condition
from jitgress.operator.policies.decide import Facts, trouble
from jitgress.operator.settings import OperatorSettings
from tests.builders import a_policy, minutes
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster
from tests.unit.operator.lives import add_policy, ask, edit_policy, ended

SPAN: Final = {"days": ["Mon"], "from": "08:00", "to": "18:00"}
LONG: Final = Extensions(1, timedelta(hours=2))


@pytest.mark.parametrize(
    "policy",
    [
        a_policy(),
        a_policy(approval=Approval((), webhook="change")),
        a_policy(extensions=LONG),
        a_policy(effect=Effect.DENY, extensions=Extensions(1, minutes(1))),
    ],
    ids=["plain", "webhook", "extensions", "deny"],
)
def test_a_policy_by_which_requests_can_be_decided_is_ready(policy: Policy) -> None:
    assert trouble(Facts(policy, frozenset({"change"}))) is None


@pytest.mark.parametrize(
    ("policy", "reason", "word"),
    [
        (a_policy(defect="field x is odd."), "NotUnderstood", "field x is odd. Until then it permits nothing to those"),
        (a_policy(subjects=(), defect="no subjects."), "NotUnderstood", "everybody"),
        (a_policy(approval=Approval((), webhook="ghost")), "WebhookUnknown", "ghost"),
        (a_policy(extensions=Extensions(1, timedelta(hours=1))), "ExtensionsImpossible", "maxTotalSeconds"),
        (a_policy(extensions=Extensions(1, minutes(1))), "ExtensionsImpossible", "Raise it"),
    ],
    ids=["not understood", "about everybody", "webhook unknown", "no room", "less than none"],
)
def test_a_policy_that_isnt_ready_says_what_is_wrong(policy: Policy, reason: str, word: str) -> None:
    found = trouble(Facts(policy, frozenset({"change"})))

    assert found is not None
    assert found.reason == reason
    assert word in found.message


def test_of_two_troubles_the_one_that_hides_the_rest_is_told() -> None:
    policy = a_policy(defect="odd.", approval=Approval((), webhook="ghost"))

    found = trouble(Facts(policy, frozenset()))

    assert found is not None
    assert found.reason == "NotUnderstood"


async def ready(cluster: Cluster, name: str = "standard") -> tuple[str, str, str]:
    found = await cluster.api.get(ACCESS_POLICIES, name)
    condition = find_condition(found["status"], "Ready")
    assert condition is not None
    assert condition["observedGeneration"] == found["status"]["observedGeneration"] == found["metadata"]["generation"]
    return condition["status"], condition["reason"], condition["message"]


@pytest.mark.parametrize(
    ("edit", "reason", "word"),
    [
        ({"schedule": {"timeZone": "Mars/Olympus", "windows": [SPAN]}}, "NotUnderstood", ""),
        ({"reason": {"pattern": "(?=look)"}}, "NotUnderstood", "pattern"),
        ({"expression": "request.reason +"}, "NotUnderstood", ""),
        ({"tomorrow": 1}, "NotUnderstood", "tomorrow"),
        ({"approval": {"required": 0, "webhook": "ghost", "timeoutSeconds": 60}}, "WebhookUnknown", "ghost"),
        ({"extensions": {"max": 1, "maxTotalSeconds": 3600}}, "ExtensionsImpossible", "maxTotalSeconds"),
    ],
    ids=["zone", "pattern", "expression", "field of tomorrow", "webhook", "extensions"],
)
def test_the_status_follows_the_policy(edit: dict[str, Any], reason: str, word: str) -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start(OperatorSettings(approval_webhooks=frozenset({"change"})))
        await asyncio.sleep(SETTLED_S)
        assert await ready(cluster) == ("True", "Ready", "requests are decided by it")

        before = (await cluster.api.get(ACCESS_POLICIES, "standard"))["spec"]
        await edit_policy(cluster, **edit)
        status, told, message = await ready(cluster)
        assert (status, told) == ("False", reason)
        assert word in message

        found = await cluster.api.get(ACCESS_POLICIES, "standard")
        await cluster.api.replace(ACCESS_POLICIES, {**found, "spec": before})
        await asyncio.sleep(SETTLED_S)
        assert (await ready(cluster))[0] == "True"

    in_a_cluster(story)


def test_a_status_is_written_once_and_doesnt_wake_itself() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start()
        await asyncio.sleep(SETTLED_S)
        first = await cluster.api.get(ACCESS_POLICIES, "standard")
        await asyncio.sleep(60)

        assert await cluster.api.get(ACCESS_POLICIES, "standard") == first

    in_a_cluster(story)


def test_a_policy_that_cant_be_understood_doesnt_let_a_later_one_decide() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        await edit_policy(cluster, tomorrow=True)
        await add_policy(cluster, "wide", "dev", 900)
        cluster.start()
        await ask(cluster)

        assert await ended(cluster) == ("Denied", "policy_defective")

    in_a_cluster(story)
