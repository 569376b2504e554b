"""A gate and two targets for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.gate.asking_from import PROXY
from tests.integration.gate.recording_target import RecordingTarget, recording_target
from tests.integration.gate.running_gate import RunningGate, running_gate


@pytest.fixture
async def gate() -> AsyncIterator[RunningGate]:
    async with running_gate() as running:
        yield running


@pytest.fixture
async def behind_proxy() -> AsyncIterator[RunningGate]:
    """A gate that believes 127.0.0.1 and two further networks of proxies."""
    async with running_gate(trusted_proxies=[f"{PROXY}/32", "10.9.0.0/16", "2001:db8:9::/48"]) as running:
        yield running


@pytest.fixture
async def target() -> AsyncIterator[RecordingTarget]:
    async with recording_target("orders") as running:
        yield running


@pytest.fixture
async def neighbour() -> AsyncIterator[RecordingTarget]:
    async with recording_target("invoices") as running:
        yield running
