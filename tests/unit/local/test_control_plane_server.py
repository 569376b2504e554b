"""The private API server: on loopback alone, with RBAC, and with the stack's own keys."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import yaml

from jitgress.local.certificates import Authority
from jitgress.local.control_plane import server
from jitgress.local.control_plane.build import Programs
from jitgress.local.layout import Layout
from jitgress.local.people import everybody
from jitgress.local.processes import Processes, Running
from tests.builders import NOW

ADDRESSES: Final = server.Addresses(apiserver=26443, etcd=22379, etcd_peer=22380, network=70)
PROGRAMS: Final = Programs(("/cache/control-plane", "etcd"), ("/cache/control-plane", "apiserver"))


@dataclass
class Noted(Processes):
    """Starts nothing, and notes what was to be started."""

    commands: dict[str, list[str]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Running:
        assert environment is None
        self.commands[name] = list(command)
        return Running(name, 1, 1)

    def flags(self, name: str) -> dict[str, str]:
        """Return the flags of a command behind the program and its part."""
        pairs = [word.removeprefix("--").partition("=") for word in self.commands[name][2:]]
        return {flag: value for flag, _, value in pairs}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "stack")


@pytest.fixture
def noted(layout: Layout) -> Noted:
    found = Noted()
    server.start_etcd(layout, ADDRESSES, PROGRAMS, found)
    server.start_apiserver(layout, ADDRESSES, PROGRAMS, found)
    return found


def test_the_programs_are_started_as_they_were_found(noted: Noted) -> None:
    assert {name: command[:2] for name, command in noted.commands.items()} == {
        "etcd": ["/cache/control-plane", "etcd"],
        "apiserver": ["/cache/control-plane", "apiserver"],
    }


def test_everything_listens_on_loopback_alone(noted: Noted) -> None:
    etcd, apiserver = noted.flags("etcd"), noted.flags("apiserver")

    assert {value for flag, value in etcd.items() if "url" in flag} == {
        "http://127.0.0.1:22379",
        "http://127.0.0.1:22380",
    }
    assert apiserver["bind-address"] == "127.0.0.1"
    assert apiserver["secure-port"] == "26443"
    assert apiserver["etcd-servers"] == etcd["listen-client-urls"]


def test_cluster_ips_are_of_the_stacks_own_loopback_network(noted: Noted) -> None:
    assert noted.flags("apiserver")["service-cluster-ip-range"] == "127.70.0.0/16"


def test_rbac_alone_decides_and_nobody_is_anonymous_with_rights(noted: Noted) -> None:
    assert noted.flags("apiserver")["authorization-mode"] == "RBAC"
    assert "insecure-port" not in noted.flags("apiserver")


def test_every_file_that_the_api_server_is_given_was_written_and_secrets_are_private(
    layout: Layout, noted: Noted
) -> None:
    server.write_files(layout, ADDRESSES, Authority(NOW), everybody())
    flags = noted.flags("apiserver")

    files = [Path(value) for flag, value in flags.items() if flag.endswith("-file")]
    private = [path for path in files if path.suffix in {".key", ".csv"}]

    assert len(files) == 5
    assert all(path.is_file() for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_each_has_a_private_kubeconfig_of_their_own(layout: Layout) -> None:
    people = everybody()

    server.write_files(layout, ADDRESSES, Authority(NOW), people)

    for person in people:
        path = layout.kubeconfig(person.username)
        config = yaml.safe_load(path.read_text())
        assert config["users"][0]["user"]["token"] == person.token
        assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:26443"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def a_real_one(layout: Layout) -> Processes:
    return Processes(layout.records, layout.logs)


def test_what_is_ready_at_once_is_not_waited_for(layout: Layout) -> None:
    looks: list[bool] = []

    def is_ready() -> bool:
        looks.append(True)
        return True

    server.wait_for("the API server", is_ready, a_real_one(layout), ("etcd",))

    assert looks == [True]


def test_a_part_that_died_is_named_with_its_last_words(layout: Layout) -> None:
    processes = a_real_one(layout)
    layout.logs.mkdir(parents=True)
    processes.log("etcd").write_text("starting\npanic: no space left\n")

    with pytest.raises(server.NotReadyError, match=r"etcd ended(.|\n)*panic: no space left") as raised:
        server.wait_for("the API server", lambda: False, processes, ("etcd",))
    assert raised.value.remedy


def test_of_the_part_that_is_to_blame_three_lines_are_shown_and_of_others_none(layout: Layout) -> None:
    processes = a_real_one(layout)
    layout.logs.mkdir(parents=True)
    processes.log("etcd").write_text("one\ntwo\nthree\nfour\n")
    processes.log("apiserver").write_text("cannot reach etcd\n")

    with pytest.raises(server.NotReadyError) as raised:
        server.wait_for("the API server", lambda: False, processes, ("etcd", "apiserver"))

    assert raised.value.message.splitlines()[1:] == ["two", "three", "four"]
    assert "cannot reach etcd" not in raised.value.message


def test_the_ports_that_are_chosen_differ() -> None:
    addresses = server.choose_addresses(70)

    assert len({addresses.apiserver, addresses.etcd, addresses.etcd_peer}) == 3
    assert addresses.server == f"https://127.0.0.1:{addresses.apiserver}"
