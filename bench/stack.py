"""The stack that is measured, spoken to directly: to the API server, the portal and the ingress."""

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import yaml

GROUP = "apis/jitgress.dev/v1alpha1"


@contextmanager
def running(*settings: str) -> Iterator[tuple[dict[str, Any], float]]:
    """Start a stack of its own; yield its env.json and how many seconds it took; end it."""
    folder = Path(tempfile.mkdtemp(prefix="jitgress-bench-"))
    command = [sys.executable, "-m", "jitgress", "local"]
    options = [part for setting in settings for part in ("--set", setting)]
    try:
        began = time.monotonic()
        subprocess.run(
            [*command, "up", "--dir", str(folder), "--json", *options], check=True, stdout=subprocess.DEVNULL
        )
        took = time.monotonic() - began
        yield json.loads((folder / "env.json").read_text()), took
    finally:
        subprocess.run([*command, "down", "--dir", str(folder)], check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class Access:
    """One open window: what a program needs to use it."""

    name: str
    token: str
    not_after: float


class People:
    """Requests, approvals and tokens as the stack's users, with connections that are kept."""

    def __init__(self, env: dict[str, Any]) -> None:
        self.env = env
        config = yaml.safe_load(Path(env["kubeconfig"]).read_text())
        cluster = config["clusters"][0]["cluster"]
        ca = ssl.create_default_context()
        if "certificate-authority" in cluster:
            ca.load_verify_locations(cafile=cluster["certificate-authority"])
        self._api = httpx2.AsyncClient(base_url=cluster["server"], verify=ca, trust_env=False, timeout=20)
        self.tls = ssl.create_default_context(cafile=env["ca_file"])
        self.outside = httpx2.AsyncClient(verify=self.tls, trust_env=False, timeout=20)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.aclose()
        await self.outside.aclose()

    def user(self, name: str) -> dict[str, Any]:
        return next(each for each in self.env["users"] if each["username"].startswith(f"{name}@"))

    def host(self, target: str) -> str:
        return next(str(each["host"]) for each in self.env["targets"] if each["name"] == target)

    async def _post(self, user: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.user(user)['kube_token']}"}
        answer = await self._api.post(path, json=body, headers=headers)
        answer.raise_for_status()
        return dict(answer.json())

    async def ask(self, user: str, namespace: str, target: str, seconds: int) -> dict[str, Any]:
        """Create a request for everything that the target permits."""
        who = self.user(user)
        return await self._post(
            user,
            f"{GROUP}/namespaces/{namespace}/accessrequests",
            {
                "apiVersion": "jitgress.dev/v1alpha1",
                "kind": "AccessRequest",
                "metadata": {"generateName": f"{target}-"},
                "spec": {
                    "target": target,
                    "requester": {"username": who["username"], "groups": [*who["groups"], "system:authenticated"]},
                    "reason": "benchmark",
                    "durationSeconds": seconds,
                },
            },
        )

    async def review(self, user: str, request: dict[str, Any], decision: str) -> float:
        """Create a review; return when the API server had accepted it (monotonic)."""
        who, metadata = self.user(user), request["metadata"]
        await self._post(
            user,
            f"{GROUP}/namespaces/{metadata['namespace']}/accessreviews",
            {
                "apiVersion": "jitgress.dev/v1alpha1",
                "kind": "AccessReview",
                "metadata": {"generateName": f"{metadata['name']}-"},
                "spec": {
                    "request": {"name": metadata["name"], "uid": metadata["uid"]},
                    "decision": decision,
                    "reviewer": {"username": who["username"], "groups": [*who["groups"], "system:authenticated"]},
                },
            },
        )
        return time.monotonic()

    async def token(self, user: str, request: dict[str, Any], patience_s: float = 10) -> str:
        """Ask the portal until it hands out a token."""
        metadata = request["metadata"]
        body = {"request": {"namespace": metadata["namespace"], "name": metadata["name"]}}
        headers = {"Authorization": f"Bearer {self.user(user)['kube_token']}", "Host": self.portal_host}
        deadline = time.monotonic() + patience_s
        while True:
            answer = await self.outside.post(
                f"{self.env['ingress_url']}/api/v1/token",
                json=body,
                headers=headers,
                extensions={"sni_hostname": self.portal_host},
            )
            if answer.is_success:
                return str(answer.json()["token"])
            if time.monotonic() > deadline:
                raise TimeoutError(answer.text)
            await asyncio.sleep(0.01)

    @property
    def portal_host(self) -> str:
        return str(urlsplit(self.env["portal_url"]).hostname)

    async def status(self, host: str, path: str, token: str) -> int:
        """Send one request through the ingress; return the status of the answer, 0 if it was cut."""
        try:
            answer = await self.outside.get(
                f"{self.env['ingress_url']}{path}",
                headers={"Host": host, "Jitgress-Authorization": f"Bearer {token}"},
                extensions={"sni_hostname": host},
            )
        except (httpx2.RemoteProtocolError, httpx2.ReadError):
            return 0
        return answer.status_code

    async def until(self, host: str, path: str, token: str, *, is_open: bool, patience_s: float = 15) -> float:
        """Look until the host serves or doesn't; return when the answer was there (monotonic)."""
        deadline = time.monotonic() + patience_s
        while (await self.status(host, path, token) == 200) != is_open:
            if time.monotonic() > deadline:
                raise TimeoutError(host)
        return time.monotonic()

    async def window(self, user: str, request: dict[str, Any]) -> float:
        """Return the end of the request's window, as seconds since the epoch."""
        metadata = request["metadata"]
        path = f"{GROUP}/namespaces/{metadata['namespace']}/accessrequests/{metadata['name']}"
        headers = {"Authorization": f"Bearer {self.user(user)['kube_token']}"}
        while True:
            status = (await self._api.get(path, headers=headers)).json().get("status", {})
            if "window" in status:
                return datetime.fromisoformat(status["window"]["notAfter"]).timestamp()
            await asyncio.sleep(0.01)

    async def open(self, user: str, namespace: str, target: str, seconds: int, path: str) -> Access:
        """Open a window by an automatic policy and wait until it serves."""
        request = await self.ask(user, namespace, target, seconds)
        token = await self.token(user, request)
        await self.until(self.host(target), path, token, is_open=True)
        return Access(request["metadata"]["name"], token, await self.window(user, request))

    @asynccontextmanager
    async def stream(self, host: str, path: str, token: str) -> AsyncIterator[httpx2.Response]:
        """Begin a long answer through the ingress."""
        async with self.outside.stream(
            "GET",
            f"{self.env['ingress_url']}{path}",
            headers={"Host": host, "Jitgress-Authorization": f"Bearer {token}"},
            extensions={"sni_hostname": host},
        ) as response:
            yield response
