"""`jitgress serve` twice, as people install it: the leader is killed, the other takes over within the Lease's time."""

import sys
from datetime import datetime, timedelta

import pytest
import yaml

from jitgress.local.ports import free_port
from tests.integration.operator.operator_program import SYSTEM
from tests.integration.operator.running import ACCOUNT, TARGETS, OperatorHandle, Operators

pytestmark = pytest.mark.real

LEASE_DURATION = timedelta(seconds=15)
"""The default, which is client-go's."""


async def serve(operators: Operators, name: str) -> OperatorHandle:
    settings = {
        "namespace": SYSTEM,
        "ledger": f"sqlite:///{operators.folder}/ledger.db",
        "operator": {"ingress_url": operators.outside.url},
        "portal": {"bind": f"127.0.0.1:{free_port(0)}", "issuer": "https://portal.example.test"},
    }
    config = operators.folder / f"{name}.yaml"
    config.write_text(yaml.safe_dump(settings))
    kubeconfig = str(operators.plane.layout.kubeconfig(ACCOUNT))
    words = [sys.executable, "-m", "jitgress", "--kubeconfig", kubeconfig, "serve", "--config", str(config)]
    handle = operators.launch(name, words)
    await operators.until(f"{name} knows the cluster", lambda: "operator_synced" in handle.log())
    return handle


async def test_a_killed_leader_is_followed_by_the_other_and_nothing_happens_twice(operators: Operators) -> None:
    first = await serve(operators, "first")
    await operators.until("the first leads", lambda: '"leading"' in first.log())
    second = await serve(operators, "second")
    before = await operators.ask(TARGETS[0])
    await operators.until("the first is in the middle", lambda: "grant.opened" in operators.codes(before))
    first.kill()
    left = await operators.lease()
    meanwhile = await operators.ask(TARGETS[1])
    taken = await operators.first_lease_after(left)
    for request in (before, meanwhile):
        await operators.reaches(request, "Active")
        await operators.give_back(request)
        await operators.is_hidden(request)
    last_renewed, acquired = (datetime.fromisoformat(each) for each in (left["renewTime"], taken["acquireTime"]))
    everything = ["request.received", "grant.opened", "grant.active", "review.counted", "request.closed", "host.hidden"]
    assert acquired >= last_renewed + LEASE_DURATION
    assert '"leading"' in second.log()
    assert [operators.codes(request) for request in (before, meanwhile)] == [everything, everything]
    assert await operators.grants() == []
