"""Objects of the API server, as the JSON that is on the wire.

lightkube reads the kubeconfig and signs in; objects stay plain mappings, because the reflector, the simulator and the
conversions to domain values all want exactly that (docs/adr/0004).
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self

import httpx2
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ConfigError

from jitgress.domain.errors import JitgressError
from jitgress.kube.answers import NO_ANSWER, body_of, events_in, failure_of, refusal_of, version_of
from jitgress.kube.errors import NotFoundError
from jitgress.kube.resources import Resource

Object = Mapping[str, Any]

FIELD_MANAGER: Final = "jitgress"
_TIMEOUT: Final = httpx2.Timeout(10.0)
_LONGEST_SILENCE_S: Final = 90.0  # the API server sends a bookmark every minute; a peer that vanished sends none
_BRIEF: Final = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
_STRICT: Final = {"fieldValidation": "Strict"}
"""A field that the server doesn't know may be a restriction: it is refused, not dropped. An apply is strict anyway."""
_APPLY: Final = {"Content-Type": "application/apply-patch+yaml"}  # JSON is YAML


class KubeconfigError(JitgressError):
    """There is no way to the API server."""

    code = "no_kubeconfig"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a collection. `resource_version` is the whole collection's; `next` continues it."""

    items: Sequence[Object]
    resource_version: str
    next: str | None


class KubeApi(Protocol):
    """What our parts need of an API server; the simulator has it, too."""

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return one object. Raises `NotFoundError`."""
        ...

    async def find(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """Return one object, or None where there is none."""
        ...

    async def list_page(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        limit: int,
        next_page: str | None,
        is_brief: bool = False,
        name: str | None = None,
        selector: str | None = None,
    ) -> Page:
        """Return one page of a consistent list; `is_brief`: metadata alone; `name`: of that object alone.

        `selector`: of what has these fields (Kubernetes: "Field Selectors"), such as status.settled!=true.
        """
        ...

    def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        resource_version: str,
        timeout_s: int,
        name: str | None = None,
        selector: str | None = None,
    ) -> AsyncGenerator[Object]:
        """Yield watch events ({type, object}) after `resource_version`, with bookmarks. Raises `GoneError`."""
        ...

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        """Create an object and return it. Raises `AlreadyExistsError`."""
        ...

    async def replace(self, resource: Resource, body: Object) -> Object:
        """Replace an object; its resourceVersion must be the present one. Raises `ConflictError`."""
        ...

    async def apply(self, resource: Resource, body: Object, *, force: bool = True) -> Object:
        """Apply an object server-side as our field manager and return it."""
        ...

    async def apply_status(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        status: Object,
        *,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        """Apply all that `manager` says of the status of an existing object. Raises `NotFoundError`."""
        ...

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> None:
        """Delete an object, with `uid` only that very one. Raises `NotFoundError`, `ConflictError`."""
        ...


class KubeClient:
    """A `KubeApi` over HTTP. Use it as an async context manager."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    @classmethod
    def connect(cls, kubeconfig: Path | None = None, context: str | None = None) -> Self:
        """Return a client for a kubeconfig; without one: from KUBECONFIG, ~/.kube/config or the pod's account."""
        try:
            config = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_env()
            chosen = config.get(context)
        except (ConfigError, OSError) as error:
            raise KubeconfigError(
                f"no usable kubeconfig: {error}", remedy="Set KUBECONFIG or give --kubeconfig FILE."
            ) from error
        if chosen is None:
            raise KubeconfigError("the kubeconfig names no current context", remedy="Choose one with --context.")
        return cls(AsyncClient(chosen, ConnectionParams(timeout=_TIMEOUT, trust_env=False)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return one object. Raises `NotFoundError`."""
        return await self._send("GET", resource.path(namespace, name))

    async def find(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """Return one object, or None where there is none."""
        try:
            return await self.get(resource, name, namespace)
        except NotFoundError:
            return None

    async def list_page(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        limit: int,
        next_page: str | None,
        is_brief: bool = False,
        name: str | None = None,
        selector: str | None = None,
    ) -> Page:
        """Return one page of a consistent list (resourceVersion unset: the most recent)."""
        parameters = {"limit": str(limit)} | ({"continue": next_page} if next_page else {}) | _only(name, selector)
        headers = _BRIEF if is_brief else None
        body = await self._send("GET", resource.path(namespace), parameters, headers=headers)
        version = version_of(body)
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        items = [kind | item for item in body.get("items") or ()]  # the items of a list leave these two out
        return Page(items, version, body["metadata"].get("continue") or None)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        *,
        resource_version: str,
        timeout_s: int,
        name: str | None = None,
        selector: str | None = None,
    ) -> AsyncGenerator[Object]:
        """Yield watch events ({type, object}) after `resource_version`, with bookmarks. Raises `GoneError`."""
        parameters = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout_s),
            **_only(name, selector),
        }
        # The server ends the watch; a peer that vanished is noticed by the read time-out a little later.
        timeout = httpx2.Timeout(_TIMEOUT.connect, read=min(timeout_s + 5.0, _LONGEST_SILENCE_S))
        try:
            async with self._http.stream(
                "GET", resource.path(namespace), params=parameters, timeout=timeout
            ) as response:
                if response.is_error:
                    await response.aread()
                    raise refusal_of(response)
                async with aclosing(events_in(response)) as events:
                    async for event in events:
                        yield event
        except NO_ANSWER as error:
            raise failure_of(error) from error

    async def create(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        """Create an object and return it. Raises `AlreadyExistsError`."""
        where = namespace or body.get("metadata", {}).get("namespace")
        return await self._send("POST", resource.path(where), _STRICT, body=body)

    async def replace(self, resource: Resource, body: Object) -> Object:
        """Replace an object; its resourceVersion must be the present one. Raises `ConflictError`."""
        metadata = body["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"])
        return await self._send("PUT", path, _STRICT, body=body)

    async def apply(self, resource: Resource, body: Object, *, force: bool = True) -> Object:
        """Apply an object server-side as our field manager and return it."""
        metadata = body["metadata"]
        return await self._apply(resource.path(metadata.get("namespace"), metadata["name"]), body, force=force)

    async def apply_status(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        status: Object,
        *,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        """Apply all that `manager` says of the status of an existing object. Raises `NotFoundError`."""
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
            "status": status,
        }
        return await self._apply(resource.path(namespace, name, "status"), body, force=True, manager=manager)

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> None:
        """Delete an object, with `uid` only that very one. Raises `NotFoundError`, `ConflictError`."""
        options = {"preconditions": {"uid": uid}} if uid else None
        await self._send("DELETE", resource.path(namespace, name), body=options)

    async def _apply(self, path: str, body: Object, *, force: bool, manager: str = FIELD_MANAGER) -> Object:
        parameters = {"fieldManager": manager, "force": "true" if force else "false"}
        return await self._send("PATCH", path, parameters, body=body, headers=_APPLY)

    async def _send(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        body: Object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        sent = ({"Content-Type": "application/json"} if content else {}) | dict(headers or {})
        try:
            response = await self._http.request(method, path, params=parameters, content=content, headers=sent)
        except NO_ANSWER as error:
            raise failure_of(error) from error
        if response.is_error:
            raise refusal_of(response)
        return body_of(response)


def _only(name: str | None, selector: str | None) -> dict[str, str]:
    """Return the selector of one object, or of some: RBAC by resourceNames permits list and watch only with a name."""
    parts = [f"metadata.name={name}"] if name else []
    return {"fieldSelector": ",".join([*parts, selector] if selector else parts)} if parts or selector else {}
