from datetime import timedelta
from pathlib import Path

import pytest

from jitgress.cli.gate import settings_of_gate
from jitgress.cli.serve import operator_settings
from jitgress.cli.settings import SettingsError, load, understood
from jitgress.domain.errors import InvalidValueError
from jitgress.operator.settings import RouteKind


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def test_without_a_file_there_are_defaults() -> None:
    settings = load(None, {})

    assert settings.namespace == "jitgress-system"
    assert settings.gate.staleness == timedelta(seconds=30)
    assert settings.operator.route_kind is RouteKind.INGRESS


def test_a_file_is_read_section_by_section(file: Path) -> None:
    file.write_text(
        "ledger: sqlite:////tmp/l.db\n"
        "operator:\n  route_kind: HTTPRoute\n  gateway: {namespace: infra, name: public}\n  workers: 2\n"
        "gate:\n  id: one\n  staleness: 6\n"
        "keys:\n  max_age: 7d\n"
    )

    settings = load(file, {})

    assert settings.keys.max_age == timedelta(days=7)
    asked = operator_settings(settings)
    assert asked.route_kind is RouteKind.HTTP_ROUTE
    assert asked.gateway is not None
    assert (asked.gateway.namespace, asked.gateway.name) == ("infra", "public")
    assert asked.workers == 2
    assert asked.staleness == timedelta(seconds=6), "the operator goes by the gates' staleness"


def test_the_environment_goes_before_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("gate:\n  bind: 127.0.0.1:1\n  id: kept\n")
    monkeypatch.setenv("JITGRESS_GATE__BIND", "127.0.0.1:2")

    settings = load(file)

    assert settings.gate.bind == "127.0.0.1:2"
    assert settings.gate.id == "kept"


def test_variables_of_the_command_line_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITGRESS_PORTAL_URL", "https://portal.example.com")
    monkeypatch.setenv("JITGRESS_LOCAL_DIR", "/somewhere")

    assert load(None).portal.issuer is None


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("ledgr: x", "there is no setting ledgr", "Did you mean ledger?"),
        ("operator: {workrs: 3}", "there is no setting operator.workrs", "Did you mean workers?"),
        (
            "operator: {gateway: {namespace: a, name: b, sectoin: c}}",
            "operator.gateway.sectoin",
            "Did you mean section?",
        ),
        ("gate: {zzz: 1}", "there is no setting gate.zzz", "There are: id, folder, bind"),
        ("operator: {workers: 0}", "operator.workers is wrong", "Correct it."),
        ("operator: {route_kind: Route}", "operator.route_kind is wrong", "Correct it."),
        ("gate: {staleness: soon}", "'soon' is not a duration such as 30s", "Correct it."),
        ("gate: {staleness: true}", "gate.staleness is wrong", "Correct it."),
        ("- a list", "holds no settings", "Write sections"),
        ("gate: [", "can't be read", "Give a YAML file."),
    ],
)
def test_a_setting_that_cannot_be_applied_is_refused_with_what_to_do(
    file: Path, text: str, message: str, remedy: str
) -> None:
    file.write_text(text)

    with pytest.raises(SettingsError) as caught:
        load(file, {})

    assert message in caught.value.message
    assert remedy in caught.value.remedy


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(SettingsError, match="there is no setting JITGRESS_GATE__STALNESS") as caught:
        load(None, {"JITGRESS_GATE__STALNESS": "30s"})

    assert caught.value.remedy == "Did you mean staleness?"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        load(tmp_path / "none.yaml", {})


def test_the_issuer_has_no_default() -> None:
    with pytest.raises(SettingsError, match=r"portal\.issuer is not set"):
        load(None, {}).require_issuer()


@pytest.mark.parametrize(("text", "address"), [("127.0.0.1:8081", ("127.0.0.1", 8081)), ("[::1]:80", ("::1", 80))])
def test_an_address_has_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert understood({"portal": {"bind": text}}, {}).portal.address == address


@pytest.mark.parametrize("text", ["8081", ":8081", "localhost", "localhost:http", "localhost:99999", "localhost:²", ""])
def test_half_an_address_is_refused_when_the_settings_are_read(text: str) -> None:
    with pytest.raises(SettingsError, match=r"portal\.bind is wrong: .* is not an address such as 127\.0\.0\.1:8081"):
        understood({"portal": {"bind": text}}, {})


def test_every_setting_of_the_gate_reaches_it() -> None:
    section = {
        "id": "one",
        "folder": "/run/one",
        "bind": "127.0.0.1:1",
        "staleness": "6s",
        "max_connections": 7,
        "socket_path": "/run/one.sock",
    }

    gate = settings_of_gate(understood({"gate": section, "portal": {"issuer": "https://portal.example.test"}}, {}))

    assert (gate.gate_id, gate.folder, gate.bind) == ("one", Path("/run/one"), "127.0.0.1:1")
    assert (gate.staleness, gate.max_connections) == (timedelta(seconds=6), 7)
    assert gate.socket == Path("/run/one.sock")


@pytest.mark.parametrize(
    ("key", "value"), [("id", "Gate"), ("folder", "/a b"), ("bind", "8080"), ("socket_path", "/a b"), ("staleness", 0)]
)
def test_what_a_gate_cannot_use_is_named_as_in_the_file(key: str, value: object) -> None:
    content = {"gate": {key: value}, "portal": {"issuer": "https://portal.example.test"}}

    with pytest.raises(InvalidValueError, match=rf"gate\.{key}"):
        settings_of_gate(understood(content, {}))
