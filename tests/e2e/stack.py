"""A person's view of a running stack: the command line, the ingress, and what the sample services saw."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_S = 20.0


@dataclass
class Stack:
    """One `jitgress local up`, by its env.json."""

    folder: Path
    env: dict[str, Any]
    _kubeconfigs: dict[str, Path] = field(default_factory=dict[str, Path])

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.env["ca_file"])

    @property
    def ingress(self) -> tuple[str, int]:
        url = urlsplit(self.env["ingress_url"])
        assert url.hostname is not None
        assert url.port is not None
        return url.hostname, url.port

    def user(self, name: str) -> dict[str, Any]:
        return next(user for user in self.env["users"] if user["username"].startswith(f"{name}@"))

    def host(self, target: str) -> str:
        return next(str(each["host"]) for each in self.env["targets"] if each["name"] == target)

    def pid(self, part: str) -> int:
        return int(self.env["processes"][part])

    def upstream_log(self, target: str) -> str:
        path = next(each["upstream_log"] for each in self.env["targets"] if each["name"] == target)
        return Path(path).read_text()

    def kubeconfig(self, name: str) -> Path:
        """Return a kubeconfig that signs in as one of the stack's users."""
        if name not in self._kubeconfigs:
            config = yaml.safe_load(Path(self.env["kubeconfig"]).read_text())
            config["users"] = [{"name": name, "user": {"token": self.user(name)["kube_token"]}}]
            config["contexts"] = [{"name": name, "context": {"cluster": config["clusters"][0]["name"], "user": name}}]
            config["current-context"] = name
            path = self.folder / f"{name}.kubeconfig"
            path.write_text(yaml.safe_dump(config))
            self._kubeconfigs[name] = path
        return self._kubeconfigs[name]

    def cli(self, user: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `jitgress` as a user of the stack."""
        environment = os.environ | {
            "KUBECONFIG": str(self.kubeconfig(user)),
            "JITGRESS_LOCAL_DIR": str(self.folder),
            "NO_COLOR": "1",
            "COLUMNS": "160",
        }
        return subprocess.run(
            [sys.executable, "-m", "jitgress", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def say(self, user: str, *arguments: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        done = self.cli(user, *arguments, "-o", "json")
        assert done.returncode == 0, (
            f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.last_words()}"
        )
        return json.loads(done.stdout)

    def ask(self, user: str, target: str, seconds: int, *more: str) -> str:
        """Ask for a target; return the request as namespace/name."""
        answer = self.say(user, "request", target, "--for", f"{seconds}s", "--reason", "end-to-end test", *more)
        return f"{answer['metadata']['namespace']}/{answer['metadata']['name']}"

    def open(self, user: str, target: str, seconds: int, *more: str, approver: str | None = "carol") -> str:
        """Ask, approve, and wait until Active; return the request."""
        request = self.ask(user, target, seconds, *more)
        if approver is not None:
            done = self.cli(approver, "approve", request)
            assert done.returncode == 0, done.stdout + done.stderr
        self.wait_for_state(user, request, "Active")
        return request

    def state(self, user: str, request: str) -> dict[str, Any]:
        status: dict[str, Any] = self.say(user, "show", request).get("status", {})
        active: dict[str, Any] = next((each for each in status.get("conditions", []) if each["type"] == "Active"), {})
        return status | {"state": active.get("reason", "")}

    def wait_for_state(self, user: str, request: str, *wanted: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        seen: dict[str, Any] = self.wait(
            lambda: self.state(user, request), lambda state: state["state"] in wanted, patience_s
        )
        return seen

    def wait(self, look: Callable[[], Any], is_enough: Callable[[Any], bool], patience_s: float = PATIENCE_S) -> Any:
        """Look until it is enough; fail with what every part last said."""
        deadline = time.monotonic() + patience_s
        while True:
            seen = look()
            if is_enough(seen):
                return seen
            assert time.monotonic() < deadline, f"last seen: {seen}\n{self.last_words()}"
            time.sleep(0.05)

    def token(self, user: str, request: str) -> str:
        done = self.cli(user, "token", request)
        assert done.returncode == 0, done.stdout + done.stderr + self.last_words()
        return done.stdout.strip()

    def get(self, host: str, path: str = "/", *, token: str | None = None, method: str = "GET", **more: Any) -> Any:
        """Send one request through the ingress."""
        headers = {"Host": host, **more.pop("headers", {})}
        if token is not None:
            headers["Jitgress-Authorization"] = f"Bearer {token}"
        with httpx2.Client(verify=self.tls, trust_env=False, timeout=10) as client:
            url = httpx2.URL(self.env["ingress_url"]).copy_with(raw_path=path.encode())
            return client.request(method, url, headers=headers, extensions={"sni_hostname": host}, **more)

    def get_at_gate(self, host: str) -> httpx2.Response:
        """Ask the gate itself for a host, around the ingress."""
        spec = self.tell("admin", "GET", "/api/v1/namespaces/jitgress-system/services/jitgress-gate")["spec"]
        with httpx2.Client(trust_env=False, timeout=10) as client:
            return client.get(f"http://{spec['clusterIP']}:{spec['ports'][0]['port']}/", headers={"Host": host})

    @asynccontextmanager
    async def websocket(self, host: str, path: str, token: str) -> AsyncIterator[ClientConnection]:
        """Open a WebSocket through the ingress."""
        address, port = self.ingress
        headers = {"Jitgress-Authorization": f"Bearer {token}"}
        async with connect(
            f"wss://{host}:{port}{path}",
            host=address,
            port=port,
            ssl=self.tls,
            server_hostname=host,
            additional_headers=headers,
            proxy=None,
            ping_interval=None,
        ) as connection:
            yield connection

    @asynccontextmanager
    async def stream(self, host: str, path: str, token: str) -> AsyncIterator[httpx2.Response]:
        """Begin a long answer through the ingress."""
        headers = {"Host": host, "Jitgress-Authorization": f"Bearer {token}"}
        client = httpx2.AsyncClient(verify=self.tls, trust_env=False, timeout=60)
        async with (
            client,
            client.stream(
                "GET", f"{self.env['ingress_url']}{path}", headers=headers, extensions={"sni_hostname": host}
            ) as response,
        ):
            yield response

    def restart(self) -> None:
        """Start the parts that died."""
        command = [sys.executable, "-m", "jitgress", "local", "up", "--dir", str(self.folder), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.last_words()}"
        self.env = json.loads((self.folder / "env.json").read_text())

    def send(
        self,
        user: str,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Ask the API server as one of the stack's users, or as `admin`."""
        config = yaml.safe_load(Path(self.env["kubeconfig"]).read_text())
        token = config["users"][0]["user"]["token"] if user == "admin" else self.user(user)["kube_token"]
        with httpx2.Client(verify=self.tls, trust_env=False, timeout=10) as client:
            url = config["clusters"][0]["cluster"]["server"] + path
            return client.request(
                method, url, json=body, headers={"Authorization": f"Bearer {token}", **(headers or {})}
            )

    def tell(
        self,
        user: str,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Ask the API server for what must be done; return its answer."""
        answer = self.send(user, method, path, body, headers)
        assert answer.is_success, answer.text
        return answer.json()

    def _as_admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.tell("admin", method, path, body)

    def objects(self, api_version: str, plural: str, namespace: str = "jitgress-system") -> list[dict[str, Any]]:
        """Return the objects of a namespace, without the portal's own route."""
        found = self._as_admin("GET", f"/apis/{api_version}/namespaces/{namespace}/{plural}")["items"]
        return [each for each in found if each["metadata"]["name"] != "jitgress-portal"]

    def create(self, api_version: str, plural: str, body: dict[str, Any]) -> None:
        """Create an object as the cluster's admin."""
        self._as_admin("POST", f"/apis/{api_version}/namespaces/{body['metadata']['namespace']}/{plural}", body)

    def replace(self, api_version: str, plural: str, body: dict[str, Any]) -> None:
        """Replace an object as the cluster's admin."""
        metadata = body["metadata"]
        path = f"/apis/{api_version}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"
        self._as_admin("PUT", path, body)

    def delete(self, api_version: str, plural: str, name: str, namespace: str) -> None:
        """Delete an object as the cluster's admin."""
        self._as_admin("DELETE", f"/apis/{api_version}/namespaces/{namespace}/{plural}/{name}")

    def last_words(self) -> str:
        """Return the end of every part's log."""
        logs = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)


async def end_of_stream(response: httpx2.Response) -> float:
    """Read until the stream is cut; return the wall-clock time of the last byte."""
    last = time.time()
    with suppress(httpx2.HTTPError):
        async for _ in response.aiter_raw():
            last = time.time()
    return last


async def end_of_websocket(connection: ClientConnection) -> float:
    """Read until the connection ends; return the wall-clock time of the end."""
    with suppress(ConnectionClosed):
        while True:
            await connection.recv()
    return time.time()


async def all_ends(*ends: Any, patience_s: float = 30) -> list[float]:
    """Wait for every stream's end."""
    return list(await asyncio.wait_for(asyncio.gather(*ends), patience_s))
