"""HAProxy's rules and `jitgress.domain.scope` agree about every path: one definition, two readers."""

import asyncio
import random
import re
from datetime import UTC, datetime

import pytest

from jitgress.domain.grant import Grant
from jitgress.domain.scope import canonical_path
from jitgress.gate.checks import CLEAR_PATH
from tests.integration.gate.raw_client import request, send
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate
from tests.unit.gate.builders import a_grant

pytestmark = pytest.mark.real

PARTS = (
    *("/", "//", "/api", "/api/", "api", "apix", "/v1", "/b", ".", "..", "/.", "/..", "...", "/.x", "/..x", "/x.", "~"),
    *("%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "%3b", "%3B", "%00", "%0a", "%1f", "%7f", "%7F", "%80", "%c3%a9"),
    *("%20", "%41", "%", "%4", "%zz", "%25", "%252e", ";", ";x=y", "\\", "'", '"', "$", "&", "(", "*", "+", ",", ":"),
    *("=", "@", "[", "]", "^", "`", "{", "|", "}", "<", ">", "!", "-", "_", "?", "?q=../;", "é", "\x7f", "#", "#/api"),
)
WHOLE = ("", "*", "api", "http://orders.jit.localhost/api", "https://evil.example/api", "//evil.example/api", "/" * 50)


def paths(count: int) -> list[str]:
    """Paths put together from parts that matter, the same ones each time."""
    chance = random.Random(20260101)  # noqa: S311  not for secrets
    made = ["/" + "".join(chance.choice(PARTS) for _ in range(chance.randint(0, 4))) for _ in range(count)]
    below = ["/api" + "".join(chance.choice(PARTS) for _ in range(chance.randint(0, 3))) for _ in range(count)]
    single = [f"/api/x{chr(code)}y" for code in range(0x21, 0x7F)] + [f"/api/%{code:02x}" for code in range(256)]
    return sorted({*made, *below, *single, *WHOLE, *(f"/api/{'a' * length}" for length in (900, 5000))})


def expected(grant: Grant, target: str) -> bool:
    """What the domain says about a request's target: its query is no matter of the scope.

    A fragment is never sent (RFC 9112, 3.2); HAProxy refuses one in the query, too.
    """
    return "#" not in target and grant.scope.permits("GET", target.partition("?")[0])


async def test_the_gate_permits_exactly_what_the_scope_permits(gate: RunningGate, target: RecordingTarget) -> None:
    grant = a_grant(address=target.address, paths=["/api", "/b/c"], not_before=datetime.now(UTC))
    await gate.permit(grant)
    token, slots = gate.token(grant), asyncio.Semaphore(20)

    async def is_served(path: str) -> bool:
        async with slots:
            content = request(grant.host, path, token=token, headers={"Connection": "close"})
            return (await send(gate.port, content)).status == 200

    tried = paths(400)
    served = dict(zip(tried, await asyncio.gather(*map(is_served, tried)), strict=True))
    assert {path for path, was in served.items() if was} == {path for path in tried if expected(grant, path)}
    assert len(tried) > 800
    assert 50 < sum(served.values()) < len(tried) - 200


@pytest.mark.parametrize("paths_of_grant", [["/"], ["/api/v1", "/api"], ["/a.b~c@d:e+f=g,h"]])
async def test_it_does_for_other_scopes(gate: RunningGate, target: RecordingTarget, paths_of_grant: list[str]) -> None:
    grant = a_grant(address=target.address, paths=paths_of_grant, not_before=datetime.now(UTC))
    await gate.permit(grant)
    for path in ("/", "/x", "/api", "/api/v1", "/api/v1/", "/api/v10", "/apiv1", "/a.b~c@d:e+f=g,h/x", "/a.b"):
        assert ((await gate.ask(grant, path)).status == 200) == expected(grant, path), path


def test_the_rule_in_the_configuration_is_the_domains() -> None:
    """Python's regex has the same possessive parts since 3.11; `\\Z` is its `\\z`."""
    rule = re.compile(CLEAR_PATH.replace(r"\z", r"\Z"))
    for path in paths(2000):
        assert (rule.search(path) is not None) == (canonical_path(path) is not None), path
