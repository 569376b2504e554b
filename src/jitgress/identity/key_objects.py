"""The keeper's documents in Kubernetes: one Secret and one ConfigMap in jitgress's own namespace."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from jitgress.identity.errors import KeysUnreadableError
from jitgress.identity.keeper import Document, DocumentConflictError, DocumentKind
from jitgress.kube.client import KubeApi
from jitgress.kube.errors import AlreadyExistsError, ConflictError, NotFoundError
from jitgress.kube.resources import CONFIG_MAPS, SECRETS, Resource

LABELS: Final = {"app.kubernetes.io/managed-by": "jitgress"}
_RESOURCES: Final[Mapping[DocumentKind, Resource]] = {
    DocumentKind.SECRET: SECRETS,
    DocumentKind.CONFIG_MAP: CONFIG_MAPS,
}


class KeyObjects:
    """`Documents` over the API server. Every method raises `KubeError` when the API server can't do it."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    async def read(self, kind: DocumentKind, name: str) -> Document | None:
        """Return the object, or None if there is none."""
        found = await self._api.find(_RESOURCES[kind], name, self._namespace)
        if found is None:
            return None
        data: Mapping[str, str] = found.get("data") or {}
        texts = {key: _decoded(value) for key, value in data.items()} if kind is DocumentKind.SECRET else data
        return Document(texts, found["metadata"]["resourceVersion"])

    async def create(self, kind: DocumentKind, name: str, data: Mapping[str, str]) -> None:
        """Create the object; raise `DocumentConflictError` if it exists."""
        try:
            await self._api.create(_RESOURCES[kind], self._body(kind, name, data, {}), self._namespace)
        except AlreadyExistsError as error:
            raise DocumentConflictError(f"{kind} {name} exists already") from error

    async def replace(self, kind: DocumentKind, name: str, data: Mapping[str, str], version: str) -> None:
        """Set the object's data; raise `DocumentConflictError` if it is not at `version` any more."""
        try:
            await self._api.replace(_RESOURCES[kind], self._body(kind, name, data, {"resourceVersion": version}))
        except (ConflictError, NotFoundError) as error:
            raise DocumentConflictError(f"{kind} {name} was changed in between") from error

    def _body(
        self, kind: DocumentKind, name: str, data: Mapping[str, str], version: Mapping[str, str]
    ) -> dict[str, Any]:
        is_secret = kind is DocumentKind.SECRET
        return {
            "apiVersion": _RESOURCES[kind].api_version,
            "kind": kind.value,
            "metadata": {"name": name, "namespace": self._namespace, "labels": LABELS, **version},
            "data": {key: _encoded(value) for key, value in data.items()} if is_secret else dict(data),
        }


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        pass  # no cause: it would carry what is in the Secret
    raise KeysUnreadableError("the Secret with the signing keys holds no text", remedy="Restore it, or delete it.")
