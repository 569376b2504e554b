"""One stack for the whole run: a real API server, Traefik, HAProxy and every part of jitgress."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.place import Place, a_place
from tests.e2e.stack import Stack

STALENESS_S = 6
"""Short, so that the test of a silent gate is; long enough for every other one."""


def up(folder: Path, *settings: str) -> Stack:
    arguments = [argument for setting in settings for argument in ("--set", setting)]
    command = [sys.executable, "-m", "jitgress", "local", "up", "--dir", str(folder), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return Stack(folder, json.loads((folder / "env.json").read_text()))


def down(folder: Path) -> None:
    command = [sys.executable, "-m", "jitgress", "local", "down", "--dir", str(folder)]
    subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    started = up(folder, f"gate.staleness={STALENESS_S}")
    try:
        yield started
    finally:
        down(folder)


@pytest.fixture
def place(stack: Stack) -> Iterator[Place]:
    """A target that no policy names yet."""
    with a_place(stack) as made:
        yield made


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the module's own, for tests that kill its parts."""
    folder = tmp_path_factory.mktemp("own-stack")
    started = up(folder, f"gate.staleness={STALENESS_S}")
    try:
        yield started
    finally:
        down(folder)


@pytest.fixture(scope="module")
def http_route_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that publishes through the Gateway API."""
    folder = tmp_path_factory.mktemp("route-stack")
    started = up(folder, "operator.route_kind=HTTPRoute")
    try:
        yield started
    finally:
        down(folder)
