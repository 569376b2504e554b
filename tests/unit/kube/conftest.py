"""What waits here waits in virtual time; what fails again and again is not logged again and again."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

import pytest
import structlog

from tests.simulators.kube_api import SimulatedApi
from tests.simulators.virtual_time import VirtualClock, VirtualTimeLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualTimeLoop}


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture
async def clock() -> VirtualClock:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return VirtualClock(loop)


@pytest.fixture
def api(clock: VirtualClock) -> SimulatedApi:
    return SimulatedApi(clock)
