"""A grant's spec becomes less and never more, though the operator itself replaces it; real and simulated alike."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any, Final

import pytest

from jitgress.kube.errors import InvalidObjectError
from jitgress.kube.resources import ACCESS_GRANTS
from tests.integration.control_plane import ControlPlane
from tests.integration.kube.contract import Cluster
from tests.simulators.kube_api import SimulatedApi

_SYSTEM: Final = "jitgress-system"
_OPERATOR: Final = f"system:serviceaccount:{_SYSTEM}:jitgress-operator"
_NUMBERS: Final = count(1)
_UID: Final = "00000000-0000-4000-8000-000000000001"
SPEC: Final[dict[str, Any]] = {
    "request": {"namespace": "shop", "name": "one", "uid": _UID},
    "target": {"namespace": "shop", "name": "orders", "uid": _UID},
    "policy": "standard",
    "subject": {"username": "alice", "groups": ["dev"]},
    "host": "orders.example.test",
    "address": "10.0.0.7:80",
    "paths": ["/api"],
    "methods": ["GET", "POST"],
    "notBefore": "2026-01-01T10:00:00.000Z",
    "notAfter": "2026-01-01T10:30:00.000Z",
    "since": "2026-01-01T10:00:00.000Z",
    "extensions": 0,
    "sourceCIDRs": ["10.0.0.0/8"],
}
LESS: Final[dict[str, dict[str, Any]]] = {
    "shorter": {"notAfter": "2026-01-01T10:20:00.000Z"},
    "fewer paths": {"paths": ["/api/v1", "/api/v2"]},
    "fewer methods": {"methods": ["GET"]},
    "fewer sources": {"sourceCIDRs": ["10.1.0.0/16"]},
}
MORE: Final[dict[str, dict[str, Any]]] = {
    "longer": {"notAfter": "2026-01-01T10:30:00.001Z"},
    "earlier": {"notBefore": "2026-01-01T09:59:00.000Z"},
    "another path": {"paths": ["/apix"]},
    "another method": {"methods": ["GET", "DELETE"]},
    "wider sources": {"sourceCIDRs": ["10.0.0.0/7"]},
    "another host": {"host": "other.example.test"},
    "another address": {"address": "10.0.0.8:80"},
    "a review": {"reviewBy": "2026-01-01T11:00:00.000Z"},
}


@pytest.fixture
async def operators(served: ControlPlane | SimulatedApi) -> AsyncIterator[Cluster]:
    """The cluster as the operator sees it, which alone makes grants."""
    if isinstance(served, SimulatedApi):
        yield Cluster(served, _SYSTEM, "elsewhere")
        return
    async with served.client(_OPERATOR) as api:
        yield Cluster(api, _SYSTEM, "elsewhere")


@pytest.mark.parametrize("change", LESS)
async def test_a_grant_can_become_less(operators: Cluster, change: str) -> None:
    made = await operators.api.create(ACCESS_GRANTS, operators.a(ACCESS_GRANTS, a_name(), spec=SPEC))
    less = await operators.api.replace(ACCESS_GRANTS, {**made, "spec": SPEC | LESS[change]})
    await operators.api.delete(ACCESS_GRANTS, made["metadata"]["name"], _SYSTEM)
    assert less["spec"] == SPEC | LESS[change]
    assert less["metadata"]["generation"] == 2


@pytest.mark.parametrize("change", MORE)
async def test_a_grant_never_becomes_more(operators: Cluster, change: str) -> None:
    made = await operators.api.create(ACCESS_GRANTS, operators.a(ACCESS_GRANTS, a_name(), spec=SPEC))
    with pytest.raises(InvalidObjectError):
        await operators.api.replace(ACCESS_GRANTS, {**made, "spec": SPEC | MORE[change]})
    found = await operators.get(ACCESS_GRANTS, made["metadata"]["name"])
    await operators.api.delete(ACCESS_GRANTS, made["metadata"]["name"], _SYSTEM)
    assert found == made


def a_name() -> str:
    return f"00000000-0000-4000-8000-{next(_NUMBERS):012d}"
