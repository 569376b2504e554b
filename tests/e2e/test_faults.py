"""Parts that die: nothing is left open past its time, and what comes back heals."""

import asyncio
import os
import signal
import time
from typing import Any

import pytest

from tests.e2e.conftest import STALENESS_S
from tests.e2e.stack import Stack, all_ends, end_of_stream, end_of_websocket
from tests.e2e.test_main_job import epoch

pytestmark = pytest.mark.real


async def test_with_every_python_process_dead_a_window_still_closes_on_time(own_stack: Stack) -> None:
    host = own_stack.host("grafana")
    request = await asyncio.to_thread(own_stack.open, "alice", "monitoring/grafana", 20, approver=None)
    token = await asyncio.to_thread(own_stack.token, "alice", request)
    end = epoch((await asyncio.to_thread(own_stack.state, "alice", request))["window"]["notAfter"])

    async with own_stack.websocket(host, "/ws", token) as socket, own_stack.stream(host, "/sse", token) as events:
        # The end comes before the gate's own time-out: what it heard last may be a quarter of the staleness old, then
        # up to a second passes until the lease says so, and a second until it is renewed.
        await asyncio.sleep(end - time.time() - (STALENESS_S * 3 / 4 - 2))
        for part in {own_stack.pid("agent"), own_stack.pid("operator"), own_stack.pid("portal")}:
            os.kill(part, signal.SIGKILL)
        assert time.time() < end
        ends = await all_ends(end_of_websocket(socket), end_of_stream(events))

    assert all(-0.5 < each - end < 0.5 for each in ends), [round((each - end) * 1000) for each in ends]
    assert own_stack.get(host, "/echo", token=token).status_code in {403, 404, 503}


async def test_a_gate_that_hears_nothing_denies_everything_and_cuts_streams(own_stack: Stack) -> None:
    await asyncio.to_thread(own_stack.restart)
    host = own_stack.host("grafana")
    request = await asyncio.to_thread(own_stack.open, "alice", "monitoring/grafana", 120, approver=None)
    token = await asyncio.to_thread(own_stack.token, "alice", request)

    async with own_stack.stream(host, "/sse", token) as events:
        os.kill(own_stack.pid("agent"), signal.SIGKILL)
        killed_at = time.time()
        (cut_at,) = await all_ends(end_of_stream(events))

    assert cut_at - killed_at < STALENESS_S + 1
    assert own_stack.get(host, "/echo", token=token).status_code == 503
    await asyncio.to_thread(own_stack.restart)
    await asyncio.to_thread(
        own_stack.wait, lambda: own_stack.get(host, "/echo", token=token).status_code, lambda status: status == 200
    )
    await asyncio.to_thread(own_stack.cli, "alice", "withdraw", request)


@pytest.mark.parametrize("part", ["operator", "agent", "haproxy", "traefik", "apiserver", "etcd"])
def test_a_part_killed_while_a_window_is_open_heals_and_nothing_is_lost(own_stack: Stack, part: str) -> None:
    own_stack.restart()
    host = own_stack.host("grafana")
    request = own_stack.open("alice", "monitoring/grafana", 45, approver=None)
    token = own_stack.token("alice", request)

    os.kill(own_stack.pid(part), signal.SIGKILL)
    own_stack.restart()

    own_stack.wait(lambda: own_stack.get(host, "/echo", token=token).status_code, lambda status: status == 200)
    done = own_stack.cli("carol", "revoke", request)
    assert done.returncode == 0, done.stderr
    own_stack.wait(lambda: own_stack.get(host, "/echo", token=token).status_code, lambda status: status in {403, 404})
    own_stack.wait_for_state("alice", request, "Revoked")
    codes = [event["code"] for event in own_stack.say("erin", "audit", "log", "--request", request)]
    assert [codes.count(code) for code in ("request.received", "grant.opened", "request.closed")] == [1, 1, 1]
    assert own_stack.cli("erin", "audit", "verify").returncode == 0


def test_a_route_without_a_grant_is_swept(stack: Stack) -> None:
    backend = {"service": {"name": "jitgress-gate", "port": {"number": 8080}}}
    orphan = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": "jitgress-orphan",
            "namespace": "jitgress-system",
            "labels": {"app.kubernetes.io/managed-by": "jitgress"},
        },
        "spec": {
            "rules": [
                {
                    "host": "orphan.jit.localhost",
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ]
        },
    }

    stack.create("networking.k8s.io/v1", "ingresses", orphan)

    def names() -> set[str]:
        return {each["metadata"]["name"] for each in stack.objects("networking.k8s.io/v1", "ingresses")}

    stack.wait(names, lambda found: "jitgress-orphan" not in found)


def test_what_somebody_adds_to_a_route_is_put_right_and_recorded(stack: Stack) -> None:
    host = stack.host("grafana")
    request = stack.open("alice", "monitoring/grafana", 40, approver=None)
    token = stack.token("alice", request)

    def routes() -> list[dict[str, Any]]:
        found = stack.objects("networking.k8s.io/v1", "ingresses")
        return [each for each in found if each["spec"]["rules"][0]["host"] == host]

    (route,) = routes()
    past_the_gate = {"service": {"name": "grafana", "port": {"number": 80}}}
    stack.replace(
        "networking.k8s.io/v1", "ingresses", {**route, "spec": {**route["spec"], "defaultBackend": past_the_gate}}
    )

    stack.wait(routes, lambda found: len(found) == 1 and "defaultBackend" not in found[0]["spec"])
    stack.wait(lambda: stack.get(host, "/echo", token=token).status_code, lambda status: status == 200)
    assert "route.repaired" in [event["code"] for event in stack.say("erin", "audit", "log")]
    stack.cli("alice", "withdraw", request)


def test_a_target_whose_host_somebody_publishes_is_not_ready(stack: Stack) -> None:
    backend = {"service": {"name": "orders", "port": {"number": 80}}}
    rule = {
        "host": "orders.jit.localhost",
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
    }
    own = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "around-the-gate", "namespace": "shop"},
        "spec": {"rules": [rule]},
    }

    def reason() -> str:
        (target,) = stack.objects("jitgress.dev/v1alpha1", "accesstargets", namespace="shop")
        return str(next(each["reason"] for each in target["status"]["conditions"] if each["type"] == "Ready"))

    stack.create("networking.k8s.io/v1", "ingresses", own)
    try:
        stack.wait(reason, lambda seen: seen == "HostExposed")
        done = stack.cli("alice", "request", "shop/orders", "--for", "10s", "--reason", "test", "--wait")
        assert done.returncode == 3
        assert "around-the-gate" in done.stdout + done.stderr
    finally:
        stack.delete("networking.k8s.io/v1", "ingresses", "around-the-gate", namespace="shop")
    stack.wait(reason, lambda seen: seen == "Ready")
