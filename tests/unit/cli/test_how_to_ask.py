"""Every command in docs/how-to-ask.md does what it says there."""

import re
import shlex
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_REVIEWS
from tests.unit.cli.cluster import ALICE, CAROL, Cluster, active, broken_glass, counted, pending, scheduled

PAGE = (Path(__file__).parents[3] / "docs" / "how-to-ask.md").read_text()
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]


def commands() -> list[tuple[str, ...]]:
    """Return what stands after `jitgress` on each line, or in a line's $(…)."""
    inner = [re.search(r"\$\((jitgress [^)]*)\)", line) for line in COMMANDS]
    lines = [found[1] if found else line for found, line in zip(inner, COMMANDS, strict=True)]
    return [tuple(shlex.split(line)[1:]) for line in lines]


def cluster_for(arguments: Sequence[str]) -> Cluster:
    """Return a cluster in which the command is what its section says."""
    is_answer = arguments[0] in {"approve", "deny", "revoke"}
    cluster = Cluster(caller=CAROL if is_answer else ALICE).has_target(paths=["/api"])
    cluster.has_policy(maxStartAheadSeconds=86_400)
    cluster.has_request("orders-glass", broken_glass(), breakGlass=True)
    cluster.has_request("orders-x7k2p", pending() if is_answer else active())
    outcome = scheduled(timedelta(hours=23)) if "--at" in arguments else active()
    cluster.answers = {ACCESS_REQUESTS: lambda _: [pending(), outcome], ACCESS_REVIEWS: lambda _: [counted()]}
    cluster.transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"token": "signed"}))
    return cluster


def test_the_page_shows_every_command_of_people_who_ask_and_answer() -> None:
    shown = {arguments[0] for arguments in commands()}
    assert shown == {"request", "extend", "withdraw", "token", "list", "approve", "deny", "revoke"}


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_works(arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITGRESS_PORTAL_URL", "https://portal.example.test")

    assert cluster_for(arguments).run(*arguments) == 0
