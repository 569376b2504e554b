"""The guard sees routes of the Gateway API as it sees Ingress objects, where the cluster serves them."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest

from jitgress.kube.resources import ACCESS_TARGETS, HTTP_ROUTES, NAMESPACES, Resource
from jitgress.local import cluster
from jitgress.local.control_plane.build import gateway_crds
from tests.integration.control_plane import ControlPlane
from tests.integration.crds.api import Answer, Api
from tests.integration.crds.guarding import LABEL, wait_until
from tests.integration.crds.routes import ELSEWHERE, GATEWAY, a_route, mirror, rules
from tests.integration.crds.whole_objects import Object, a_target

pytestmark = pytest.mark.real

NAMESPACE: Final = "warned"
STRICT: Final = "strict"
GRPC_ROUTES: Final = Resource(GATEWAY, "v1", "grpcroutes", "GRPCRoute")
TLS_ROUTES: Final = Resource(GATEWAY, "v1", "tlsroutes", "TLSRoute")
TCP_ROUTES: Final = Resource(GATEWAY, "v1", "tcproutes", "TCPRoute")
UDP_ROUTES: Final = Resource(GATEWAY, "v1", "udproutes", "UDPRoute")
OTHERS: Final = "other.test"
ORDERS: Final[dict[str, Any]] = {"name": "orders"}

LEADING: Final = {
    "by a backend": rules(ORDERS),
    "by a second backend": rules({"name": ELSEWHERE}, ORDERS),
    "by its kind": rules({**ORDERS, "group": "", "kind": "Service"}),
    "by a mirror of a rule": rules({"name": ELSEWHERE}, filters=[mirror(**ORDERS)]),
    "by a mirror of a backend": rules({"name": ELSEWHERE, "filters": [mirror(**ORDERS)]}),
}
HARMLESS: Final = {
    "elsewhere": rules({"name": ELSEWHERE}),
    "a name that resembles": rules({"name": "orders-public"}),
    "another kind": rules({**ORDERS, "group": "example.test", "kind": "Bucket"}),
    "another namespace's": rules({**ORDERS, "namespace": "elsewhere"}),
    "another namespace's mirror": rules({"name": ELSEWHERE}, filters=[mirror(**ORDERS, namespace="elsewhere")]),
    "no backend": [{"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The admin of an API server of its own, which serves the Gateway API; one namespace warns, one refuses."""
    plane = ControlPlane(tmp_path_factory.mktemp("gateway-api"))
    try:
        plane.start()
        asyncio.run(serve_routes(plane))
        with Api(plane) as admin:
            for resource in (HTTP_ROUTES, GRPC_ROUTES, TLS_ROUTES, TCP_ROUTES, UDP_ROUTES):
                wait_until(partial(is_served, admin, resource))
            for name, labels in ((NAMESPACE, {}), (STRICT, {LABEL: "refuse"})):
                metadata = {"metadata": {"name": name, "labels": labels}}
                admin.made(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", **metadata}, name)
                admin.made(ACCESS_TARGETS, a_target(), name)
            around = a_route(HTTP_ROUTES, {"rules": rules(ORDERS)})
            wait_until(lambda: asked(admin, HTTP_ROUTES, around).warning != "")
            wait_until(lambda: asked(admin, HTTP_ROUTES, around, STRICT).status == 403)
            yield admin
    finally:
        plane.stop()


async def serve_routes(plane: ControlPlane) -> None:
    found = cluster.definitions(gateway_crds(print))
    async with plane.client() as admin:
        await cluster.put(admin, [each for each in found if each["spec"]["names"]["kind"].endswith("Route")])


def is_served(admin: Api, resource: Resource) -> bool:
    return admin.get(resource.path()).status == 200


def asked(root: Api, resource: Resource, route: Object, namespace: str = NAMESPACE) -> Answer:
    return root.create(resource, route, namespace, is_dry=True)


@pytest.mark.parametrize("about", LEADING)
def test_a_route_that_leads_to_a_targets_service_is_warned_of_and_refused(about: str, root: Api) -> None:
    route = a_route(HTTP_ROUTES, {"rules": LEADING[about], "hostnames": [OTHERS]})

    warned, refused = asked(root, HTTP_ROUTES, route), asked(root, HTTP_ROUTES, route, STRICT)

    assert warned.status == 201, warned.message
    assert f"leads to the Service orders of AccessTarget {NAMESPACE}/orders, around its gate" in warned.warning
    assert refused.status == 403
    assert f"leads to the Service orders of AccessTarget {STRICT}/orders, around its gate" in refused.message


@pytest.mark.parametrize("about", HARMLESS)
def test_a_route_that_leads_elsewhere_is_not_remarked_on(about: str, root: Api) -> None:
    route = a_route(HTTP_ROUTES, {"rules": HARMLESS[about]})

    answers = [asked(root, HTTP_ROUTES, route, namespace) for namespace in (NAMESPACE, STRICT)]

    assert [(answer.status, answer.warning) for answer in answers] == [(201, "")] * 2, answers[0].message


@pytest.mark.parametrize(
    ("host", "is_seen"),
    [
        ("orders.example.com", True),
        ("*.example.com", True),
        ("*.com", True),
        ("aorders.example.com", False),
        ("*.orders.example.com", False),
        ("example.com", False),
    ],
)
def test_a_route_that_names_a_targets_host_is_warned_of_and_refused(host: str, is_seen: bool, root: Api) -> None:  # noqa: FBT001  a case of the table
    route = a_route(HTTP_ROUTES, {"rules": rules({"name": ELSEWHERE}), "hostnames": [OTHERS, host]})

    warned, refused = asked(root, HTTP_ROUTES, route), asked(root, HTTP_ROUTES, route, STRICT)

    assert ("names the host orders.example.com of AccessTarget warned/orders" in warned.warning) == is_seen
    assert (refused.status == 403) == is_seen


@pytest.mark.parametrize(
    "resource", [GRPC_ROUTES, TLS_ROUTES, TCP_ROUTES, UDP_ROUTES], ids=lambda resource: resource.kind
)
def test_every_kind_of_route_is_looked_at(resource: Resource, root: Api) -> None:
    hosts = {"hostnames": [OTHERS]} if resource in {GRPC_ROUTES, TLS_ROUTES} else {}
    around, harmless = ([{"backendRefs": [{"name": name, "port": 80}]}] for name in ("orders", ELSEWHERE))

    refused = asked(root, resource, a_route(resource, {"rules": around, **hosts}), STRICT)
    taken = asked(root, resource, a_route(resource, {"rules": harmless, **hosts}), STRICT)

    assert refused.status == 403, refused.message
    assert "leads to the Service orders of AccessTarget strict/orders" in refused.message
    assert taken.status == 201, taken.message
