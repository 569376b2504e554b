"""What is seen of a host after the end of an access: hidden, or open through somebody else's route."""

import asyncio

from jitgress.domain.event import Event, EventCode
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS, INGRESSES
from tests.builders import ALICE
from tests.simulators.objects import a_request_object, a_review_object
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster, state
from tests.unit.operator.held import an_ingress

HOST = "orders.example.test"


async def given_back(cluster: Cluster, *paths: str) -> None:
    """Open an access and give it back."""
    await cluster.fill()
    cluster.start()
    request = await cluster.api.create(ACCESS_REQUESTS, a_request_object(paths=paths or ("/",), duration_s=600))
    await cluster.api.create(ACCESS_REVIEWS, a_review_object(dict(request)))
    await asyncio.sleep(SETTLED_S)
    await cluster.api.create(ACCESS_REVIEWS, a_review_object(dict(request), "Revoke", ALICE))


async def is_hidden(cluster: Cluster) -> bool:
    request = await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop")
    return "hiddenAt" in request["status"]


def events(cluster: Cluster, code: EventCode) -> list[Event]:
    return [event for event in cluster.ledger.entries if event.code is code]


def test_a_host_that_somebody_publishes_is_never_said_to_be_hidden() -> None:
    """The path that is looked at may answer 404 while another one serves strangers."""

    async def story(cluster: Cluster) -> None:
        await given_back(cluster)
        leak = an_ingress(HOST, name="leak", namespace="shop")
        leak["spec"]["rules"][0]["http"] = {"paths": [{"path": "/secret", "backend": {"service": {"name": "orders"}}}]}
        await cluster.api.create(INGRESSES, leak)
        await asyncio.sleep(60)

        assert not await is_hidden(cluster)
        assert events(cluster, EventCode.HOST_HIDDEN) == []
        (found,) = events(cluster, EventCode.EXPOSURE_FOUND)
        assert (found.data["host"], found.data["through"]) == (HOST, "Ingress shop/leak")

        await cluster.api.delete(INGRESSES, "leak", "shop")
        await asyncio.sleep(10)
        assert await is_hidden(cluster)

    in_a_cluster(story)


def test_every_path_of_the_grant_is_looked_at_before_its_host_is_hidden() -> None:
    async def story(cluster: Cluster) -> None:
        await given_back(cluster, "/a", "/b")
        await asyncio.sleep(10)

        (hidden,) = events(cluster, EventCode.HOST_HIDDEN)
        ended = events(cluster, EventCode.REQUEST_CLOSED)[0].at
        assert {look.path for look in cluster.ingress.looks if ended <= look.at <= hidden.at} == {"/a", "/b"}

    in_a_cluster(story)


def test_a_route_of_ours_that_lost_its_label_is_mended_and_closes_nothing() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        cluster.start()
        assert state(await cluster.ask_and_approve()) == "Active"
        (route,) = cluster.all_of(INGRESSES)
        unlabelled = {**route, "metadata": {**route["metadata"], "labels": {}}}
        await cluster.api.replace(INGRESSES, unlabelled)
        await asyncio.sleep(10)

        assert cluster.all_of(INGRESSES)[0]["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "jitgress"
        assert state(dict(await cluster.api.get(ACCESS_REQUESTS, "alice-orders", "shop"))) == "Active"

    in_a_cluster(story)
