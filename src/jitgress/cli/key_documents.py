"""Signing keys as a Secret, their public half as a ConfigMap: what `jitgress.identity.keeper` asks of Kubernetes."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from jitgress.identity.keeper import Document, DocumentConflictError, DocumentKind
from jitgress.kube.client import KubeApi
from jitgress.kube.errors import AlreadyExistsError, ConflictError
from jitgress.kube.resources import CONFIG_MAPS, SECRETS, Resource

_RESOURCES: Final[Mapping[DocumentKind, Resource]] = {
    DocumentKind.SECRET: SECRETS,
    DocumentKind.CONFIG_MAP: CONFIG_MAPS,
}


class KubeDocuments:
    """Secrets and ConfigMaps of one namespace."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    async def read(self, kind: DocumentKind, name: str) -> Document | None:
        """Return the object's texts, or None if there is none."""
        found = await self._api.find(_RESOURCES[kind], name, self._namespace)
        if found is None:
            return None
        data: Mapping[str, str] = found.get("data") or {}
        if kind is DocumentKind.SECRET:
            data = {key: b64decode(value).decode() for key, value in data.items()}
        return Document(data, found["metadata"]["resourceVersion"])

    async def create(self, kind: DocumentKind, name: str, data: Mapping[str, str]) -> None:
        """Create the object; raise `DocumentConflictError` if it exists."""
        try:
            await self._api.create(_RESOURCES[kind], self._body(kind, name, data), self._namespace)
        except AlreadyExistsError as error:
            raise DocumentConflictError(error.message, remedy=error.remedy) from error

    async def replace(self, kind: DocumentKind, name: str, data: Mapping[str, str], version: str) -> None:
        """Set the object's data; raise `DocumentConflictError` if it is not at `version` any more."""
        body = self._body(kind, name, data)
        body["metadata"]["resourceVersion"] = version
        try:
            await self._api.replace(_RESOURCES[kind], body)
        except ConflictError as error:
            raise DocumentConflictError(error.message, remedy=error.remedy) from error

    def _body(self, kind: DocumentKind, name: str, data: Mapping[str, str]) -> dict[str, Any]:
        is_secret = kind is DocumentKind.SECRET
        resource = _RESOURCES[kind]
        return {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": {"app.kubernetes.io/managed-by": "jitgress"},
            },
            "data": {key: b64encode(value.encode()).decode() if is_secret else value for key, value in data.items()},
        } | ({"type": "Opaque"} if is_secret else {})
