"""The whole stack on one machine: up, status, down. No root, no containers.

Every part is a process of its own that outlives this one; a second `up` in the same folder starts what has died.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from jitgress.crds.manifests import all_manifests
from jitgress.domain.clock import Clock
from jitgress.domain.errors import JitgressError
from jitgress.gate import process as haproxy
from jitgress.gate.settings import PLAIN_PATH, GateSettings
from jitgress.kube.client import KubeClient
from jitgress.local import cluster, objects, parts, readiness
from jitgress.local.certificates import Authority
from jitgress.local.control_plane import server
from jitgress.local.control_plane.build import gateway_crds, programs
from jitgress.local.layout import Layout
from jitgress.local.people import Person, everybody
from jitgress.local.ports import claim_network, free_port
from jitgress.local.processes import Processes, is_alive

Say = Callable[[str], None]
Understand = Callable[[Mapping[str, Any]], GateSettings]
"""From what stands in the settings file to the gate's part of it; raises a `JitgressError` that names what is wrong."""
_PARTS: Final = (
    "etcd",
    "apiserver",
    "traefik",
    "haproxy",
    *(sample.name for sample in objects.SAMPLES),
    "operator",
    "agent",
)
"""In the order in which they are started; they are ended the other way round."""
_PROCESS_OF: Final = {"portal": "operator"}
"""What is shown on its own, and runs in another's process."""


class StackError(JitgressError):
    """The stack can't be started, or isn't there."""

    code = "local_stack"


@dataclass(frozen=True, slots=True)
class State:
    """What was chosen when the stack was set up, and holds for all of its life."""

    control_plane: server.Addresses
    outside: parts.Outside
    services: Mapping[str, str]
    """Address of each Service, by its name."""

    def write(self, layout: Layout) -> None:
        """Keep it."""
        (layout.folder / "state.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, layout: Layout) -> Self:
        """Return what was kept."""
        content = json.loads((layout.folder / "state.json").read_text())
        return cls(
            server.Addresses(**content["control_plane"]), parts.Outside(**content["outside"]), content["services"]
        )


class Stack:
    """One stack in one folder."""

    def __init__(self, folder: Path, clock: Clock, say: Say) -> None:
        self.layout = Layout(folder.resolve())
        self.processes = Processes(self.layout.records, self.layout.logs)
        self._clock = clock
        self._say = say

    def up(self, overrides: Mapping[str, str], understand: Understand) -> dict[str, Any]:
        """Start what isn't running; return what env.json says. A first start that fails leaves nothing behind."""
        if self.layout.is_stack and not self.layout.env_file.is_file():
            self._say("removing what an interrupted start left behind")
            self.down()
        is_new = not self.layout.is_stack
        if is_new:
            self._require_usable_folder()
            understand(parts.settings(self.layout, *parts.ANYWHERE, overrides))  # before anything starts
            self._make_folder()
        elif overrides:
            raise StackError("settings are chosen at the first start", remedy="Run jitgress local down first.")
        try:
            state = self._set_up(overrides) if is_new else State.read(self.layout)
            self._start_missing(state, understand)
            asyncio.run(self._finish(state, is_new=is_new))
            return self._tell(state)
        except BaseException:
            if is_new and self.layout.is_stack:
                self.down()
            raise

    def status(self) -> list[dict[str, Any]]:
        """Return what each part does. Raises `StackError` where there is no stack."""
        self._require()
        return [self._status_of(name) for name in (*_PARTS, *_PROCESS_OF)]

    def down(self) -> None:
        """End every part and remove the folder. Raises `StackError` where there is no stack."""
        self._require()
        known = self.processes.known()
        for name in sorted(known, key=lambda each: _PARTS.index(each) if each in _PARTS else 0, reverse=True):
            self.processes.stop(known[name])
        try:
            self.layout.remove()
        except OSError as error:
            raise StackError(
                f"the stack has ended, but not all of its folder is removed: {error}", remedy="Remove it by hand."
            ) from error

    def _status_of(self, part: str) -> dict[str, Any]:
        name = _PROCESS_OF.get(part, part)
        running = self.processes.known().get(name)
        return {
            "part": part,
            "pid": running and running.pid,
            "running": running is not None and is_alive(running),
            "last": self.processes.last_words(name, 1),
        }

    def _require_usable_folder(self) -> None:
        folder = self.layout.folder
        if not PLAIN_PATH.fullmatch(str(folder)):
            raise StackError(
                f"the path {str(folder)!r} has a character that HAProxy's configuration can't hold, such as a blank",
                remedy="Choose a --dir whose whole path is letters, digits and the characters . _ / - alone.",
            )
        if not self.layout.is_free:
            raise StackError(f"{folder} is not empty and holds no stack", remedy="Choose another --dir: a new one.")

    def _make_folder(self) -> None:
        try:
            self.layout.make()
        except OSError as error:
            raise StackError(
                f"{self.layout.folder} can't be made: {error.strerror}", remedy="Choose another --dir."
            ) from error

    def _require(self) -> None:
        if not self.layout.is_stack:
            raise StackError(
                f"{self.layout.folder} holds no stack",
                remedy="Start one there with jitgress local up, or name its folder with --dir.",
            )

    def _set_up(self, overrides: Mapping[str, str]) -> State:
        """Choose addresses, write every file, start the control plane and put everything into it."""
        found = programs(self._say)
        crds = cluster.definitions(gateway_crds(self._say))
        addresses = server.choose_addresses(claim_network(self.layout.folder))
        outside = parts.Outside(free_port(28443), free_port(28080))
        authority, people = Authority(self._clock.now()), everybody()
        server.write_files(self.layout, addresses, authority, people)
        authority.issue((f"*.{objects.DOMAIN}", objects.DOMAIN, "127.0.0.1"), *self.layout.certificate("ingress"))
        self._say("starting etcd and the API server")
        server.start_etcd(self.layout, addresses, found, self.processes)
        server.start_apiserver(self.layout, addresses, found, self.processes)
        server.wait_until_ready(self.layout, addresses, self.processes)
        services = asyncio.run(self._fill(crds, outside))
        self._write_settings(addresses, outside, services, people, overrides)
        state = State(addresses, outside, services)
        state.write(self.layout)
        (self.layout.folder / "people.json").touch(mode=0o600)
        humans = [person.as_json() for person in people if person.is_human]
        (self.layout.folder / "people.json").write_text(json.dumps(humans))
        return state

    def _write_settings(
        self,
        addresses: server.Addresses,
        outside: parts.Outside,
        services: Mapping[str, str],
        people: Iterable[Person],
        overrides: Mapping[str, str],
    ) -> None:
        traefik = next(person for person in people if person.username == "traefik")
        parts.write_traefik(self.layout, outside, addresses.server, traefik.token)
        content = parts.settings(
            self.layout, outside, services["jitgress-gate"], services["jitgress-portal"], overrides
        )
        self.layout.configuration("jitgress").write_text(yaml.safe_dump(content))

    async def _fill(self, crds: Iterable[Mapping[str, Any]], outside: parts.Outside) -> dict[str, str]:
        """Put everything but targets and policies into the cluster; return the addresses of the Services."""
        self._say("installing resources, roles and sample Services")
        certificate, key = (path.read_text() for path in self.layout.certificate("ingress"))
        async with KubeClient.connect(self.layout.kubeconfig("admin")) as api:
            await cluster.put(api, [*all_manifests(), *crds, *objects.namespaces()])
            await cluster.put(api, [*objects.services(), *objects.bindings(), objects.portal_route()])
            await cluster.put(api, [objects.tls_secret(certificate, key), *objects.gateway(outside.https)])
            places = [(each["metadata"], each["spec"]["ports"][0]["port"]) for each in objects.services()]
            return {
                metadata["name"]: f"{await cluster.cluster_ip(api, metadata['namespace'], metadata['name'])}:{port}"
                for metadata, port in places
            }

    def _start_missing(self, state: State, understand: Understand) -> None:
        running = {name for name, process in self.processes.known().items() if is_alive(process)}
        if not {"etcd", "apiserver"} <= running:
            found = programs(self._say)
            if "etcd" not in running:
                server.start_etcd(self.layout, state.control_plane, found, self.processes)
            if "apiserver" not in running:
                server.start_apiserver(self.layout, state.control_plane, found, self.processes)
            server.wait_until_ready(self.layout, state.control_plane, self.processes)
        commands = self._commands(state, understand)
        missing = [name for name in commands if name not in running]
        if missing:
            is_all = len(missing) == len(commands)
            self._say(
                f"starting {'Traefik, HAProxy, the sample services and jitgress' if is_all else ', '.join(missing)}"
            )
        for name in missing:
            self.processes.start(name, commands[name])

    def _commands(self, state: State, understand: Understand) -> dict[str, list[str]]:
        """Return the command of each part beside the control plane."""
        samples = {
            sample.name: parts.sample_command(
                sample, state.services[sample.name], self.layout.requests_log(sample.name)
            )
            for sample in objects.SAMPLES
        }
        return {
            "traefik": [str(parts.traefik_binary()), f"--configFile={self.layout.configuration('traefik')}"],
            "haproxy": self._haproxy(understand),
            **samples,
            "operator": parts.serve_command(self.layout),
            "agent": parts.gate_command(self.layout),
        }

    def _haproxy(self, understand: Understand) -> list[str]:
        """Return HAProxy's command; its files are written at the first start and kept then: the agent owns them."""
        settings = understand(yaml.safe_load(self.layout.configuration("jitgress").read_text()))
        if not settings.configuration.is_file():
            haproxy.write_files(settings)
        return haproxy.command(settings)

    async def _finish(self, state: State, *, is_new: bool) -> None:
        async with KubeClient.connect(self.layout.kubeconfig("admin")) as api:
            if is_new:
                await cluster.put(api, [*objects.policies(), *objects.targets()])
            address, health = state.services["jitgress-portal"], state.outside.health
            await readiness.wait_until_ready(
                readiness.checks(api, address, health), self.processes, self._clock, _PARTS
            )

    def _tell(self, state: State) -> dict[str, Any]:
        """Write env.json and return it (stable format)."""
        pids = {name: process.pid for name, process in self.processes.known().items()}
        content = {
            "kubeconfig": str(self.layout.kubeconfig("admin")),
            "ca_file": str(self.layout.ca_file),
            "ingress_url": state.outside.url,
            "portal_url": state.outside.portal_url,
            "issuer": state.outside.portal_url,
            "ledger": f"sqlite:///{self.layout.ledger}",
            "users": json.loads((self.layout.folder / "people.json").read_text()),
            "targets": [
                {
                    "namespace": sample.namespace,
                    "name": sample.name,
                    "host": sample.host,
                    "upstream_log": str(self.layout.requests_log(sample.name)),
                }
                for sample in objects.SAMPLES
            ],
            "processes": {**pids, "portal": pids["operator"]},
        }
        self.layout.env_file.touch(mode=0o600)
        self.layout.env_file.write_text(json.dumps(content, indent=2) + "\n")
        return content
