"""Requests from an address of choice, and grants that go by it."""

from datetime import UTC, datetime, timedelta
from typing import Final

from jitgress.domain.grant import Grant
from tests.integration.gate.raw_client import Answer, request, send
from tests.integration.gate.recording_target import RecordingTarget
from tests.integration.gate.running_gate import RunningGate
from tests.unit.gate.builders import a_grant

INSIDE: Final = "127.0.0.9"
OUTSIDE: Final = "127.0.0.7"
PROXY: Final = "127.0.0.1"
OFFICE: Final = "192.0.2.0/24"


def a_bound_grant(number: int, target: RecordingTarget, *sources: str) -> Grant:
    started = datetime.now(UTC) - timedelta(seconds=1)
    return a_grant(number, address=target.address, sources=sources, not_before=started)


async def ask_from(
    gate: RunningGate,
    grant: Grant,
    source: str,
    *lines: str,
    token: str | None = None,
    name: str = "X-Forwarded-For",
    path: str = "/",
) -> Answer:
    """Ask from `source`, with every one of `lines` in a header of its own."""
    content = request(grant.host, path, token=gate.token(grant) if token is None else token)
    more = "".join(f"\r\n{name}: {line}" for line in lines).encode()
    return await send(gate.port, content.removesuffix(b"\r\n\r\n") + more + b"\r\n\r\n", source=source)


def told(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.reason
