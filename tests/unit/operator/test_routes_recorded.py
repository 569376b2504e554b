"""What the ledger last said of a host's route is what is published, whatever happened at the same moment."""

import asyncio

from jitgress.domain.event import EventCode
from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, ACCESS_REQUESTS, INGRESSES
from tests.simulators.objects import a_policy_object, a_request_object
from tests.unit.operator.cluster import SETTLED_S, Cluster, in_a_cluster

ROUTE_EVENTS = (EventCode.ROUTE_PUBLISHED, EventCode.ROUTE_REPAIRED, EventCode.ROUTE_REMOVED)


def recorded(cluster: Cluster) -> list[str]:
    """Return the grants of every word about a route, in the order of the ledger."""
    return [str(event.data.get("grants", "")) for event in cluster.ledger.entries if event.code in ROUTE_EVENTS]


async def two_share_a_host(cluster: Cluster) -> tuple[str, str]:
    """Open one access after the other; return the grants' names."""
    await cluster.fill()
    await cluster.api.create(ACCESS_POLICIES, a_policy_object("auto", required=0, priority=1))
    cluster.start()
    names = []
    for name in ("first", "second"):
        made = await cluster.api.create(ACCESS_REQUESTS, a_request_object(name, duration_s=600))
        names.append(str(made["metadata"]["uid"]))
        await asyncio.sleep(SETTLED_S)
    return names[0], names[1]


async def one_ends_as_the_route_vanishes(cluster: Cluster, grant: str) -> None:
    (route,) = cluster.all_of(INGRESSES)
    await cluster.api.delete(INGRESSES, route["metadata"]["name"], "jitgress-system")
    await cluster.api.delete(ACCESS_GRANTS, grant, "jitgress-system")


def test_a_route_that_somebody_deleted_as_a_grant_of_it_ended_is_recorded_as_it_is_made_again() -> None:
    async def story(cluster: Cluster) -> None:
        first, second = await two_share_a_host(cluster)
        assert recorded(cluster) == [first, ",".join(sorted((first, second)))]

        await one_ends_as_the_route_vanishes(cluster, second)
        await asyncio.sleep(SETTLED_S)

        assert recorded(cluster)[-1] == first
        assert len(cluster.all_of(INGRESSES)) == 1

    in_a_cluster(story)


def test_it_is_also_where_another_process_makes_it_again() -> None:
    async def story(cluster: Cluster) -> None:
        first, second = await two_share_a_host(cluster)
        await cluster.processes[0].kill()

        await one_ends_as_the_route_vanishes(cluster, second)
        cluster.start()
        await asyncio.sleep(30)

        assert recorded(cluster)[-1] == first
        assert len(cluster.all_of(INGRESSES)) == 1

    in_a_cluster(story)


def test_an_api_server_that_takes_no_routes_for_a_while_is_no_reason_to_record_more() -> None:
    async def story(cluster: Cluster) -> None:
        await cluster.fill()
        await cluster.api.create(ACCESS_POLICIES, a_policy_object("auto", required=0, priority=1))
        process = cluster.start()
        await asyncio.sleep(SETTLED_S)
        made = await cluster.api.create(ACCESS_REQUESTS, a_request_object(duration_s=600))
        process.faults.calls_until_outage = 6
        await asyncio.sleep(20)
        process.faults.calls_until_outage = None
        await asyncio.sleep(20)

        assert recorded(cluster) == [made["metadata"]["uid"]]

    in_a_cluster(story)
