"""The API server as one caller sees it: dry runs, impersonation, tables and warnings, which our client has not."""

import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2
import yaml

from jitgress.kube.resources import Resource
from tests.integration.control_plane import ControlPlane
from tests.integration.crds.whole_objects import ADMIN, SYSTEM, Who

Body = Mapping[str, Any]
_TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/{}subjectaccessreviews"
_RULES_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: dict[str, Any]
    warning: str

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class Api(AbstractContextManager["Api"]):
    """One caller. `acting_as`: the cluster's admin under somebody else's name (impersonation)."""

    def __init__(self, plane: ControlPlane, username: str = ADMIN.username, *, acting_as: Who | None = None) -> None:
        config = yaml.safe_load(plane.layout.kubeconfig(username).read_text())
        headers = [(b"Authorization", f"Bearer {config['users'][0]['user']['token']}".encode())]
        if acting_as is not None:
            headers += [(b"Impersonate-User", acting_as.username.encode())]
            headers += [(b"Impersonate-Group", group.encode()) for group in acting_as.groups]
            headers += [
                (f"Impersonate-Extra-{quote(key, safe='')}".encode(), value.encode())
                for key, values in acting_as.claims
                for value in values
            ]
        self._http = httpx2.Client(
            base_url=plane.addresses.server,
            verify=ssl.create_default_context(cafile=str(plane.layout.ca_file)),
            trust_env=False,
            timeout=10,
            headers=headers,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def create(
        self, resource: Resource, body: Body, namespace: str, *, is_dry: bool = False, is_strict: bool = False
    ) -> Answer:
        """Create an object, or with `is_dry` only ask whether it would be taken."""
        parameters = ({"dryRun": "All"} if is_dry else {}) | ({"fieldValidation": "Strict"} if is_strict else {})
        return self._send("POST", resource.path(place(resource, namespace)), body, parameters)

    def made(self, resource: Resource, body: Body, namespace: str) -> dict[str, Any]:
        """Create an object that must be taken, and return it."""
        answer = self.create(resource, body, namespace)
        assert answer.status == 201, answer.message
        return answer.body

    def create_right_there(self, resource: Resource, body: Body, namespace: str) -> Answer:
        """Create an object in a namespace where it doesn't belong."""
        return self._send("POST", resource.path(namespace), body)

    def create_from(self, resource: Resource, text: str, namespace: str) -> Answer:
        """Ask whether this very text would be taken."""
        response = self._http.post(
            resource.path(namespace),
            content=text.encode(),
            params={"dryRun": "All"},
            headers={"Content-Type": "application/json"},
        )
        return _answer(response)

    def apply(self, resource: Resource, body: Body, namespace: str) -> Answer:
        """Apply an object server-side."""
        return self._send(
            "PATCH",
            resource.path(place(resource, namespace), body["metadata"]["name"]),
            body,
            {"fieldManager": "tests"},
            {"Content-Type": "application/apply-patch+yaml"},
        )

    def replace(self, resource: Resource, body: Body, subresource: str | None = None) -> Answer:
        metadata = body["metadata"]
        return self._send("PUT", resource.path(metadata.get("namespace"), metadata["name"], subresource), body)

    def merge(self, resource: Resource, found: Body, change: Body, subresource: str | None = None) -> Answer:
        """Send a merge patch of `found`."""
        metadata = found["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"], subresource)
        return self._send("PATCH", path, change, headers={"Content-Type": "application/merge-patch+json"})

    def delete(self, resource: Resource, found: Body) -> Answer:
        metadata = found["metadata"]
        return self._send("DELETE", resource.path(metadata.get("namespace"), metadata["name"]))

    def get(self, path: str) -> Answer:
        return self._send("GET", path)

    def table(self, resource: Resource, namespace: str) -> dict[str, Any]:
        """Return what `kubectl get` shows."""
        answer = self._send("GET", resource.path(place(resource, namespace)), headers=_TABLE)
        assert answer.status == 200, answer.message
        return answer.body

    def rules(self, namespace: str) -> set[str]:
        """Return all that RBAC permits the caller in a namespace, a right a line (SelfSubjectRulesReview)."""
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        answer = self._send("POST", _RULES_REVIEWS, body)
        assert answer.status == 201, answer.message
        assert not answer.body["status"]["incomplete"]
        return {
            f"{verb} {resource}{'.' if group else ''}{group}{' ' if name else ''}{name}"
            for rule in answer.body["status"]["resourceRules"]
            for verb in rule["verbs"]
            for group in rule.get("apiGroups", [""])
            for resource in rule.get("resources", [])
            for name in rule.get("resourceNames", [""])
        }

    def may(self, right: str, namespace: str = "") -> bool:
        """Tell whether RBAC lets the caller do something, such as `get secrets keys`; without a namespace: in all."""
        return self._is_allowed(_ACCESS_REVIEWS.format("self"), right, namespace)

    def tells_whether(self, who: Who, right: str, namespace: str) -> bool:
        """Tell whether RBAC lets somebody else do something."""
        asked = {"user": who.username, "groups": list(who.groups)}
        return self._is_allowed(_ACCESS_REVIEWS.format(""), right, namespace, **asked)

    def _is_allowed(self, path: str, right: str, namespace: str, **who: Any) -> bool:
        verb, resource, *name = right.split(" ")
        plain, _, group = resource.partition(".")
        plain, _, subresource = plain.partition("/")
        attributes = {"verb": verb, "group": group, "resource": plain, "subresource": subresource}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview" if who else "SelfSubjectAccessReview",
            "spec": {**who, "resourceAttributes": {**attributes, "namespace": namespace, "name": "".join(name)}},
        }
        answer = self._send("POST", path, body)
        assert answer.status == 201, answer.message
        return bool(answer.body["status"]["allowed"])

    def _send(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return _answer(self._http.request(method, path, json=body, params=parameters, headers=headers))


def _answer(response: httpx2.Response) -> Answer:
    is_json = "json" in response.headers.get("Content-Type", "")  # what isn't served is answered in plain text
    body = response.json() if is_json else {"message": response.text}
    return Answer(response.status_code, body, response.headers.get("Warning", ""))


As = Callable[[Who | str], Api]
"""Gives the API server as somebody sees it."""


def place(resource: Resource, namespace: str) -> str | None:
    """Return where an object belongs: grants are in jitgress's own namespace, policies in none."""
    if not resource.is_namespaced:
        return None
    return SYSTEM if resource.plural == "accessgrants" else namespace
