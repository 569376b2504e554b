"""What we rely on of HAProxy's runtime socket: the simulator and the real one answer alike."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from jitgress.gate.layout import MapName, map_file
from jitgress.gate.observe import ServerState, questions, understand
from jitgress.gate.runtime import Runtime, RuntimeSocket
from tests.integration.gate.running_gate import running_gate
from tests.unit.gate.haproxy_simulator import HaproxySimulator

pytestmark = pytest.mark.real

SERVER = "targets_ab/x.1767261900000"


class Talk:
    """A runtime, the folder of its maps, and `{map}` in lines for one of them."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime = runtime
        self.folder = folder

    async def say(self, *lines: str) -> list[str]:
        file = str(map_file(self.folder, MapName.SCOPES))
        answers = await self.runtime.ask([line.replace("{map}", file) for line in lines])
        return [re.sub("0x[0-9a-f]+", "0x", answer) for answer in answers]


@pytest.fixture(params=["simulator", "haproxy"])
async def talk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Talk]:
    if request.param == "simulator":
        yield Talk(HaproxySimulator(tmp_path), tmp_path)
        return
    async with running_gate() as gate:
        await gate.stop_agent()
        await gate.kill_haproxy()
        await gate.start_haproxy()
        runtime = RuntimeSocket(gate.settings.socket)
        yield Talk(runtime, gate.settings.folder)
        runtime.close()


Exchange = tuple[Sequence[str], Sequence[str]]
CONTRACT: dict[str, Exchange] = {
    "an entry": (("add map {map} k v", "show map {map}"), ("", "0x k v")),
    "an entry twice": (("add map {map} k v", "add map {map} k w", "show map {map}"), ("", "", "0x k v\n0x k w")),
    "an entry changed": (("add map {map} k v", "set map {map} k w", "show map {map}"), ("", "", "0x k w")),
    "repetitions dropped": (
        ("add map {map} k v", "add map {map} k w", "add map {map} l v", "del map {map} k", "show map {map}"),
        ("", "", "", "", "0x l v"),
    ),
    "no entry to change": (("set map {map} k v",), ("entry not found.",)),
    "no entry to drop": (("del map {map} k",), ("Key not found.",)),
    "no such map": (("show map /x", "add map /x k v"), ("Unknown map identifier. Please use #<id> or <file>.",) * 2),
    "special characters": ((r"add map {map} a\;b\\c v", "show map {map}"), ("", r"0x a;b\c v")),
    "an empty map": (("show map {map}",), ("",)),
    "a server twice": (
        (f"add server {SERVER} 127.0.0.1:9 weight 0",) * 2,
        ("New server registered.", "Already exists a server with the same name in backend."),
    ),
    "a server without back end": (("add server nowhere/x 127.0.0.1:9 weight 0",), ("No such backend.",)),
    "a server that comes and goes": (
        (
            f"add server {SERVER} 127.0.0.1:9 weight 0",
            f"set server {SERVER} state ready",
            f"del server {SERVER}",
            f"set server {SERVER} state maint",
            f"shutdown sessions server {SERVER}",
            f"del server {SERVER}",
        ),
        (
            "New server registered.",
            "",
            "Only servers in maintenance mode can be deleted.",
            "",
            "",
            "Server deleted.",
        ),
    ),
    "no such server": (
        (f"set server {SERVER} state ready", f"shutdown sessions server {SERVER}", f"del server {SERVER}"),
        ("No such server.",) * 3,
    ),
}


@pytest.mark.parametrize("name", CONTRACT)
async def test_both_answer_alike(talk: Talk, name: str) -> None:
    lines, answers = CONTRACT[name]
    assert await talk.say(*lines) == list(answers)


async def test_both_report_servers_alike(talk: Talk) -> None:
    await talk.say(
        "add server targets_00/a.1 127.0.0.1:9 weight 0",
        "set server targets_00/a.1 state ready",
        "add server targets_ff/b.2 [::1]:10 weight 0",
        "add map {map} k v",
        "add map {map} l v",
        "add map {map} l v",
    )
    observed = understand(await talk.runtime.ask(questions(talk.folder)))
    assert observed.servers == {
        "targets_00/a.1": ServerState("127.0.0.1:9", is_open=True),
        "targets_ff/b.2": ServerState("[::1]:10", is_open=False),
    }
    assert observed.entries[MapName.SCOPES]["k"] == "v"
    assert observed.entries[MapName.SCOPES]["l"] != "v"


async def test_many_lines_at_once_keep_their_order(talk: Talk) -> None:
    lines = [f"add map {{map}} key{number} {'v' * 200}" for number in range(500)]
    assert await talk.say(*lines) == [""] * 500
    (answer,) = await talk.say("show map {map}")
    assert [line.split(" ")[1] for line in answer.splitlines()] == [f"key{number}" for number in range(500)]
