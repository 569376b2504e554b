"""The same through Gateway API HTTPRoutes."""

import pytest

from tests.e2e.stack import Stack

pytestmark = pytest.mark.real


def test_a_window_opens_and_closes_through_an_http_route(http_route_stack: Stack) -> None:
    host = http_route_stack.host("grafana")
    assert http_route_stack.get(host).status_code == 404

    request = http_route_stack.open("alice", "monitoring/grafana", 20, "--path", "/echo", approver=None)
    token = http_route_stack.token("alice", request)

    assert http_route_stack.get(host, "/echo", token=token).status_code == 200
    assert http_route_stack.get(host, "/echo").status_code == 401
    assert http_route_stack.get(host, "/other", token=token).status_code in {403, 404}
    routes = http_route_stack.objects("gateway.networking.k8s.io/v1", "httproutes")
    assert [route["spec"]["hostnames"] for route in routes] == [[host]]
    assert http_route_stack.cli("alice", "withdraw", request).returncode == 0
    http_route_stack.wait(lambda: http_route_stack.get(host, "/echo").status_code, lambda status: status == 404)
    assert http_route_stack.objects("gateway.networking.k8s.io/v1", "httproutes") == []
    codes = [event["code"] for event in http_route_stack.say("erin", "audit", "log")]
    assert [codes.count(f"route.{how}") for how in ("published", "repaired", "removed")] == [1, 0, 1]
