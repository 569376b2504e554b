"""A whole operator and an external approval system: what it says is recorded, and then it opens or closes."""

import asyncio
from typing import Any, Final

import pytest

from jitgress.domain.event import EventCode
from jitgress.domain.window import parse_time
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS
from tests.builders import after
from tests.simulators.approvals import BROKEN, PENDING, ApprovalSystem, Said, SimulatedConsultant
from tests.simulators.objects import a_policy_object, a_request_object, a_review_object
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster, state

ALICES: Final = (ACCESS_REQUESTS, "alice-orders", "shop")


def with_webhook(name: str = "change", required: int = 0, timeout_s: int = 600) -> dict[str, Any]:
    """Return a policy that goes before the cluster's own, and wants an external approval."""
    found = dict(a_policy_object("with-webhook", required=required, priority=1, timeout_s=timeout_s))
    approval = {**found["spec"]["approval"], "webhook": name}
    return {**found, "spec": {**found["spec"], "approval": approval}}


async def asked(cluster: Cluster, system: ApprovalSystem, policy: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have alice ask under a policy with a webhook, and return her request a moment later."""
    cluster.consultant = SimulatedConsultant({"change": system}, cluster.clock)
    await cluster.fill()
    await cluster.api.create(ACCESS_POLICIES, policy or with_webhook())
    cluster.start()
    await cluster.api.create(ACCESS_REQUESTS, a_request_object(duration_s=300))
    await asyncio.sleep(SETTLED_S)
    return await present(cluster)


async def present(cluster: Cluster) -> dict[str, Any]:
    return dict(await cluster.api.get(*ALICES))


def codes(cluster: Cluster) -> list[EventCode]:
    return [event.code for event in cluster.ledger.entries if event.request is not None]


def test_what_the_system_approves_is_opened_and_the_answer_is_in_the_ledger_before() -> None:
    async def story(cluster: Cluster) -> None:
        request = await asked(cluster, ApprovalSystem(otherwise=Said("approve", "CHG-7")))

        assert state(request) == "Active"
        assert codes(cluster)[:3] == [
            EventCode.REQUEST_RECEIVED,
            EventCode.APPROVAL_ANSWERED,
            EventCode.GRANT_OPENED,
        ]

    in_a_cluster(story)


def test_the_window_ends_with_the_change_that_the_approval_rests_on() -> None:
    async def story(cluster: Cluster) -> None:
        request = await asked(cluster, ApprovalSystem(otherwise=Said("approve", not_after="2026-01-01T10:02:00Z")))

        assert parse_time(request["status"]["window"]["notAfter"]) == after(120)

    in_a_cluster(story)


def test_what_the_system_denies_is_denied_in_its_words() -> None:
    async def story(cluster: Cluster) -> None:
        request = await asked(cluster, ApprovalSystem(otherwise=Said("deny", "freeze until Monday")))

        assert state(request) == "Denied"
        assert "freeze until Monday" in request["status"]["message"]
        assert cluster.all_of(ACCESS_GRANTS) == []

    in_a_cluster(story)


@pytest.mark.parametrize("said", [PENDING, BROKEN], ids=["undecided", "broken"])
def test_as_long_as_it_says_nothing_the_request_waits_and_shows_for_what(said: Said) -> None:
    async def story(cluster: Cluster) -> None:
        request = await asked(cluster, ApprovalSystem(otherwise=said))

        assert state(request) == "Pending"
        assert "webhook change" in request["status"]["waitingFor"]

    in_a_cluster(story)


def test_an_approval_that_comes_later_opens() -> None:
    async def story(cluster: Cluster) -> None:
        system = ApprovalSystem(otherwise=BROKEN)
        await asked(cluster, system)
        await asyncio.sleep(60)
        system.otherwise = Said("approve")
        await asyncio.sleep(120)

        assert state(await present(cluster)) == "Active"

    in_a_cluster(story)


def test_a_request_that_nobody_decided_about_in_time_is_over() -> None:
    async def story(cluster: Cluster) -> None:
        system = ApprovalSystem()
        await asked(cluster, system, with_webhook(timeout_s=60))
        await asyncio.sleep(120)
        heard = len(system.heard)
        system.otherwise = Said("approve")
        await asyncio.sleep(600)

        assert state(await present(cluster)) == "ApprovalTimedOut"
        assert len(system.heard) == heard
        assert cluster.all_of(ACCESS_GRANTS) == []

    in_a_cluster(story)


def test_the_systems_approval_alone_is_not_enough_where_people_must_approve_too() -> None:
    async def story(cluster: Cluster) -> None:
        request = await asked(cluster, ApprovalSystem(otherwise=Said("approve")), with_webhook(required=1))
        assert state(request) == "Pending"
        assert request["status"]["waitingFor"] == ["group approvers"]
        await cluster.api.create(ACCESS_REVIEWS, a_review_object(request))
        await asyncio.sleep(SETTLED_S)

        assert state(await present(cluster)) == "Active"

    in_a_cluster(story)


def test_the_people_alone_are_not_enough_either() -> None:
    async def story(cluster: Cluster) -> None:
        request = await asked(cluster, ApprovalSystem(), with_webhook(required=1))
        await cluster.api.create(ACCESS_REVIEWS, a_review_object(request))
        await asyncio.sleep(SETTLED_S)

        assert state(await present(cluster)) == "Pending"
        assert (await present(cluster))["status"]["waitingFor"] == ["webhook change"]

    in_a_cluster(story)


def test_a_webhook_that_the_settings_do_not_know_opens_nothing() -> None:
    async def story(cluster: Cluster) -> None:
        system = ApprovalSystem(otherwise=Said("approve"))
        await asked(cluster, system, with_webhook("elsewhere", timeout_s=60))
        await asyncio.sleep(120)

        assert system.heard == []
        assert state(await present(cluster)) == "ApprovalTimedOut"

    in_a_cluster(story)


def test_a_successor_asks_again_and_the_answer_is_recorded_once() -> None:
    async def story(cluster: Cluster) -> None:
        system = ApprovalSystem()
        await asked(cluster, system)
        await cluster.processes[0].kill()
        system.otherwise = Said("approve")
        cluster.start()
        await asyncio.sleep(30)

        assert state(await present(cluster)) == "Active"
        assert codes(cluster).count(EventCode.APPROVAL_ANSWERED) == 1
        assert len(set(system.heard)) == 1

    in_a_cluster(story)


def test_a_killed_operators_successor_goes_by_the_answer_that_was_recorded() -> None:
    """Killed between the record and its effect: what is said later changes nothing."""

    async def story(cluster: Cluster) -> None:
        system = ApprovalSystem()
        await asked(cluster, system)

        def die(event: object) -> None:
            if getattr(event, "code", None) is EventCode.GRANT_OPENED:
                cluster.processes[0].faults.is_dead = True
                cluster.processes[0].faults.live_through()

        cluster.processes[0].see_event = die
        system.otherwise = Said("approve")
        await asyncio.sleep(30)
        assert EventCode.GRANT_OPENED not in codes(cluster)
        system.otherwise = Said("deny")
        cluster.start()
        await asyncio.sleep(30)

        assert state(await present(cluster)) == "Active"

    in_a_cluster(story)
