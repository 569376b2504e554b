"""Starts a private API server with its etcd in a folder, and waits until it answers."""

import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from jitgress.domain.errors import JitgressError
from jitgress.local.certificates import Authority, write_key
from jitgress.local.control_plane.build import Programs
from jitgress.local.layout import Layout
from jitgress.local.people import Person, kubeconfig, token_file
from jitgress.local.ports import free_port
from jitgress.local.processes import Processes, is_alive

_PATIENCE_S: Final = 60.0
_TICK_S: Final = 0.05
_LAST_LINES: Final = 3


class NotReadyError(JitgressError):
    """A part did not come up."""

    code = "not_ready"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the control plane listens, and the loopback network of its Services."""

    apiserver: int
    etcd: int
    etcd_peer: int
    network: int

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self.apiserver}"


def choose_addresses(network: int) -> Addresses:
    """Return free ports for a control plane."""
    return Addresses(free_port(26443), free_port(22379), free_port(22380), network)


def write_files(layout: Layout, addresses: Addresses, authority: Authority, people: Iterable[Person]) -> None:
    """Write certificates, tokens and kubeconfigs."""
    layout.make()
    people = tuple(people)
    layout.ca_file.write_bytes(authority.pem())
    authority.issue(("127.0.0.1", "localhost", "kubernetes.default.svc"), *layout.certificate("apiserver"))
    write_key(ec.generate_private_key(ec.SECP256R1()), layout.pki / "service-accounts.key")
    _write_private(layout.pki / "tokens.csv", token_file(people))
    for person in people:
        config = kubeconfig(addresses.server, str(layout.ca_file), person)
        _write_private(layout.kubeconfig(person.username), yaml.safe_dump(config))


def start_etcd(layout: Layout, addresses: Addresses, programs: Programs, processes: Processes) -> None:
    """Start etcd."""
    client, peer = f"http://127.0.0.1:{addresses.etcd}", f"http://127.0.0.1:{addresses.etcd_peer}"
    flags = {
        "data-dir": str(layout.folder / "etcd"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "log-level": "warn",
    }
    processes.start("etcd", [*programs.etcd, *_flags(flags)])


def start_apiserver(layout: Layout, addresses: Addresses, programs: Programs, processes: Processes) -> None:
    """Start kube-apiserver, with RBAC, static tokens and a loopback range of ClusterIPs."""
    certificate, key = layout.certificate("apiserver")
    flags = {
        "etcd-servers": f"http://127.0.0.1:{addresses.etcd}",
        "bind-address": "127.0.0.1",
        "endpoint-reconciler-type": "none",
        "secure-port": str(addresses.apiserver),
        "cert-dir": str(layout.pki),
        "tls-cert-file": str(certificate),
        "tls-private-key-file": str(key),
        "service-account-issuer": addresses.server,
        "service-account-key-file": str(layout.pki / "service-accounts.key"),
        "service-account-signing-key-file": str(layout.pki / "service-accounts.key"),
        "token-auth-file": str(layout.pki / "tokens.csv"),
        "authorization-mode": "RBAC",
        "disable-admission-plugins": "ServiceAccount",
        "service-cluster-ip-range": f"127.{addresses.network}.0.0/16",
        "v": "0",
    }
    processes.start("apiserver", [*programs.apiserver, *_flags(flags)])


def wait_until_ready(layout: Layout, addresses: Addresses, processes: Processes) -> None:
    """Wait until the API server says that it is ready, and its roles are there. Raises `NotReadyError`."""
    admin = yaml.safe_load(layout.kubeconfig("admin").read_text())["users"][0]["user"]["token"]
    tls = ssl.create_default_context(cafile=str(layout.ca_file))
    with httpx2.Client(base_url=addresses.server, verify=tls, trust_env=False, timeout=5) as client:
        headers = {"Authorization": f"Bearer {admin}"}

        def is_ready() -> bool:
            try:
                return client.get("/readyz", headers=headers).is_success
            except httpx2.HTTPError:
                return False

        wait_for("the API server", is_ready, processes, ("etcd", "apiserver"))


def wait_for(
    what: str,
    is_ready: Callable[[], bool],
    processes: Processes,
    parts: Iterable[str],
    patience_s: float = _PATIENCE_S,
) -> None:
    """Wait until `is_ready`. Raises `NotReadyError` with what the parts last said if one dies or it takes too long."""
    parts = tuple(parts)
    deadline = time.monotonic() + patience_s
    while not is_ready():
        running = processes.known()
        dead = [part for part in parts if part not in running or not is_alive(running[part])]
        if dead or time.monotonic() > deadline:
            raise not_ready(what, dead, dead[0] if dead else parts[-1], processes, patience_s)
        time.sleep(_TICK_S)


def not_ready(
    what: str, dead: Sequence[str], culprit: str, processes: Processes, patience_s: float = _PATIENCE_S
) -> NotReadyError:
    """Return the error of a part that doesn't get ready, with the last words of the one that is to blame."""
    how = f"{', '.join(dead)} ended" if dead else f"it took longer than {patience_s:.0f} s"
    said = processes.last_words(culprit, _LAST_LINES) or "nothing"
    return NotReadyError(
        f"{what} did not get ready: {how}. {culprit} last said:\n{said}", remedy="Mend that, then repeat."
    )


def _flags(flags: dict[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
