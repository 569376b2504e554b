"""What would say something else in HAProxy's configuration than in the settings is refused at the start."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jitgress.cli.gate import settings_of_gate
from jitgress.cli.settings import understood
from jitgress.domain.errors import InvalidValueError
from jitgress.gate.settings import MAX_SOCKET_PATH, GateSettings

GOOD: dict[str, Any] = {"gate_id": "gate-1", "folder": Path("/run/jitgress"), "issuer": "https://portal.example.test"}


def some_settings(**changes: Any) -> GateSettings:
    return GateSettings(**(GOOD | changes))


def in_the_file(name: str) -> str:
    """Return how a value is called where people write it."""
    return {"gate_id": r"gate\.id", "issuer": r"portal\.issuer"}.get(name, rf"gate\.{name}")


@pytest.mark.parametrize(
    "change",
    [
        {"gate_id": "a"},
        {"gate_id": "a" * 52},
        {"folder": Path("/var/lib/jit_gress/gate.1")},
        {"issuer": "http://localhost:8443/realms/dev"},
        {"issuer": "https://[::1]:8443"},
        {"bind": ":8080"},
        {"bind": "*:8080"},
        {"bind": "[::1]:8080"},
        {"socket_path": Path("/run/g.sock")},
        {"staleness": timedelta(seconds=1)},
        {"max_connections": 1},
        {"trusted_proxies": ("10.0.0.0/8", "2001:db8::/32")},
    ],
    ids=str,
)
def test_plain_values_are_taken(change: dict[str, Any]) -> None:
    (name, value) = next(iter(change.items()))
    assert getattr(some_settings(**change), name) == value


HOSTILE = (" ", "\n", "\t", "'", '"', "\\", "$HOME", "#", ";", "{", "%[", "\x00", "é")


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("gate_id", "gate{}1"),
        ("folder", "/run/{}jitgress"),
        ("issuer", "https://portal{}.example.test"),
        ("bind", "127.0.0.1{}:8080"),
        ("socket_path", "/run/{}g.sock"),
    ],
)
def test_what_the_configurations_grammar_reads_in_its_own_way_is_refused(name: str, template: str, piece: str) -> None:
    text = template.replace("{}", piece)
    with pytest.raises(InvalidValueError, match=in_the_file(name)):
        some_settings(**{name: Path(text) if name in {"folder", "socket_path"} else text})


@pytest.mark.parametrize("name", ["gate_id", "folder", "issuer", "bind", "socket_path"])
def test_a_line_break_at_the_end_is_refused(name: str) -> None:
    text = f"{getattr(some_settings(socket_path=Path('/run/g.sock')), name)}\n"
    with pytest.raises(InvalidValueError, match=in_the_file(name)):
        some_settings(**{name: Path(text) if name in {"folder", "socket_path"} else text})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gate_id", ""),
        ("gate_id", "-a"),
        ("gate_id", "a-"),
        ("gate_id", "Gate"),
        ("gate_id", "gate.1"),
        ("gate_id", "a" * 53),
        ("folder", Path("relative")),
        ("issuer", ""),
        ("issuer", "portal.example.test"),
        ("issuer", "ftp://portal.example.test"),
        ("issuer", "https://portal.example.test?a=b"),
        ("bind", "8080"),
        ("bind", "127.0.0.1:"),
        ("bind", "127.0.0.1:808080"),
        ("bind", "127.0.0.1:65536"),
        ("bind", "unix@/run/gate"),
        ("bind", "127.0.0.1:8080,127.0.0.2:8080"),
        ("bind", "127.0.0.1:8080-8090"),
        ("trusted_proxies", ("10.0.0.1/8",)),
        ("trusted_proxies", ("10.0.0.1",)),
        ("trusted_proxies", ("10.0.0.0/8", "")),
        ("trusted_proxies", ("ingress",)),
        ("trusted_proxies", ("10.0.0.0/8 -", "x")),
        ("trusted_proxies", ("::ffff:10.0.0.0/104",)),
    ],
)
def test_other_forms_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidValueError, match=in_the_file(name)) as raised:
        some_settings(**{name: value})
    assert raised.value.remedy.startswith("Write "), "in words, not as a regular expression"


def test_proxies_in_front_are_named_in_the_file_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"portal": {"issuer": GOOD["issuer"]}, "gate": {"trusted_proxies": ["10.0.0.0/8"]}}
    in_file = settings_of_gate(understood(content, {}))
    monkeypatch.setenv("JITGRESS_GATE__TRUSTED_PROXIES", '["192.0.2.0/24"]')
    in_environment = settings_of_gate(understood(content))
    assert (in_file.trusted_proxies, in_environment.trusted_proxies) == (("10.0.0.0/8",), ("192.0.2.0/24",))


def test_without_a_word_nobody_in_front_is_trusted() -> None:
    assert some_settings().trusted_proxies == ()
    assert understood({}, {}).gate.trusted_proxies == ()


@pytest.mark.parametrize("seconds", [-1, 0, 0.999])
def test_a_staleness_under_a_second_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidValueError, match="staleness"):
        some_settings(staleness=timedelta(seconds=seconds))


@pytest.mark.parametrize("number", [-1, 0])
def test_a_gate_without_a_bound_on_connections_is_refused(number: int) -> None:
    """To HAProxy, `maxconn 0` means as many as the machine gives."""
    with pytest.raises(InvalidValueError, match="max_connections"):
        some_settings(max_connections=number)


def test_the_longest_path_of_a_socket_leaves_room_for_what_haproxy_adds_to_it() -> None:
    longest = Path("/" + "s" * (MAX_SOCKET_PATH - 1))
    assert some_settings(socket_path=longest).socket == longest
    assert len(f"{longest}.{2**22}.bak") < 108  # unix(7): sun_path, with the byte that ends it; proc(5): pid_max
    with pytest.raises(InvalidValueError, match="socket"):
        some_settings(socket_path=Path(f"{longest}s"))


def test_a_long_folder_needs_a_short_socket() -> None:
    folder = Path("/" + "f" * MAX_SOCKET_PATH)
    with pytest.raises(InvalidValueError, match="socket"):
        some_settings(folder=folder)
    assert some_settings(folder=folder, socket_path=Path("/run/g.sock")).folder == folder


def test_every_file_is_in_the_gates_own_folder() -> None:
    found = some_settings()
    assert {found.socket.parent, found.configuration.parent, found.keys_folder.parent} == {found.folder}


@pytest.mark.parametrize("seconds", [1, 30, 3600])
def test_a_lease_is_always_shorter_than_the_staleness_and_never_nothing(seconds: float) -> None:
    staleness = timedelta(seconds=seconds)
    assert timedelta(0) < some_settings(staleness=staleness).lease < staleness
