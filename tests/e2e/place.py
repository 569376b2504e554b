"""A target of a test's own before a sample service, and the policies that dave, the platform's admin, makes for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from jitgress.kube.resources import ACCESS_GRANTS, ACCESS_POLICIES, ACCESS_REQUESTS, ACCESS_REVIEWS, ACCESS_TARGETS
from tests.e2e.stack import Stack

NAMESPACE: Final = "shop"
SYSTEM: Final = "jitgress-system"
DEVELOPERS: Final = [{"kind": "Group", "name": "dev"}]
APPROVERS: Final = [{"kind": "Group", "name": "approvers"}]
AUTOMATIC: Final = {"required": 0, "approvers": APPROVERS}
BY_ONE: Final = {"required": 1, "approvers": APPROVERS}
_MERGE: Final = {"Content-Type": "application/merge-patch+json"}


@dataclass
class Place:
    """A target under a host of its own; no other policy than those made here names it."""

    stack: Stack
    name: str
    _policies: list[str] = field(default_factory=list[str])

    @property
    def target(self) -> str:
        return f"{NAMESPACE}/{self.name}"

    @property
    def host(self) -> str:
        return f"{self.name}.jit.localhost"

    def allow(self, **terms: Any) -> str:
        """Have dave make a policy, and wait until the operator understood it; return its name."""
        name = f"{self.name}-{len(self._policies)}"
        spec = {
            "priority": 5,
            "subjects": DEVELOPERS,
            "targets": {"namespaces": [NAMESPACE], "names": [self.name]},
            "maxDurationSeconds": 60,
            "approval": AUTOMATIC,
        }
        self._policies.append(name)
        self.stack.tell("dave", "POST", ACCESS_POLICIES.path(), _object("AccessPolicy", {"name": name}, spec | terms))
        self._wait_until_ready(ACCESS_POLICIES.path(name=name))
        return name

    def change(self, policy: str, **terms: Any) -> None:
        """Have dave change a policy, and wait until the operator understood that."""
        path = ACCESS_POLICIES.path(name=policy)
        self.stack.tell("dave", "PATCH", path, {"spec": terms}, _MERGE)
        self._wait_until_ready(path)

    def remove(self, policy: str) -> None:
        """Have dave delete a policy."""
        self._policies.remove(policy)
        self.stack.tell("dave", "DELETE", ACCESS_POLICIES.path(name=policy))

    def ask(self, user: str, **spec: Any) -> str:
        """Ask for the target; return the request as namespace/name."""
        asked = {"target": self.name, "reason": "end-to-end test", "requester": self._who(user), **spec}
        body = _object("AccessRequest", {"generateName": f"{self.name}-"}, asked)
        made = self.stack.tell(user, "POST", ACCESS_REQUESTS.path(NAMESPACE), body)
        return f"{NAMESPACE}/{made['metadata']['name']}"

    def open(self, user: str, **spec: Any) -> str:
        """Ask for the target, and wait until it is open."""
        request = self.ask(user, **spec)
        self.wait_for(request, "Active")
        return request

    def review(self, user: str, request: str, **spec: Any) -> dict[str, Any]:
        """Answer a request, by default with an approval; return whether that counted (condition Counted)."""
        about = {"name": request.partition("/")[2], "uid": self.found(request)["metadata"]["uid"]}
        said = {"request": about, "decision": "Approve", "reviewer": self._who(user), **spec}
        body = _object("AccessReview", {"generateName": f"{self.name}-"}, said)
        made = self.stack.tell(user, "POST", ACCESS_REVIEWS.path(NAMESPACE), body)
        path = ACCESS_REVIEWS.path(NAMESPACE, made["metadata"]["name"])
        judged: dict[str, Any] = self.stack.wait(lambda: condition(self.stack.tell(user, "GET", path), "Counted"), bool)
        return judged

    def denied(self, user: str, **spec: Any) -> dict[str, str]:
        """Ask for what policy denies; return code, message and remedy."""
        denial: dict[str, str] = self.wait_for(self.ask(user, **spec), "Denied")["status"]["denial"]
        return denial

    def token(self, user: str, request: str) -> str:
        """Get a gate token from the portal."""
        answer = self.ask_for_token(user, request)
        assert answer.status_code == 200, answer.text + self.stack.last_words()
        return str(answer.json()["token"])

    def ask_for_token(self, user: str, request: str) -> Any:
        """Return what the portal answers to somebody who asks for a gate token."""
        portal = urlsplit(self.stack.env["portal_url"])
        namespace, _, name = request.partition("/")
        return self.stack.get(
            str(portal.hostname),
            "/api/v1/token",
            method="POST",
            headers={"Host": portal.netloc, "Authorization": f"Bearer {self.stack.user(user)['kube_token']}"},
            json={"request": {"namespace": namespace, "name": name}},
        )

    def get(self, path: str, token: str | None = None, method: str = "GET") -> int:
        """Send one request through the ingress; return the status of the answer."""
        return int(self.stack.get(self.host, path, token=token, method=method).status_code)

    def found(self, request: str) -> dict[str, Any]:
        """Return the request as it stands."""
        found: dict[str, Any] = self.stack.tell("erin", "GET", ACCESS_REQUESTS.path(*request.split("/")))
        return found

    def wait_for(self, request: str, *states: str, patience_s: float = 30) -> dict[str, Any]:
        """Wait until the request is in one of the states; return it."""
        found: dict[str, Any] = self.stack.wait(
            lambda: self.found(request), lambda seen: state_of(seen) in states, patience_s
        )
        return found

    def grant(self, request: str) -> dict[str, Any]:
        """Return the AccessGrant of an open request."""
        uid = self.found(request)["metadata"]["uid"]
        found: dict[str, Any] = self.stack.tell("erin", "GET", ACCESS_GRANTS.path(SYSTEM, uid))
        return found

    def ledger(self, request: str) -> list[dict[str, Any]]:
        """Return what the ledger says of the request, as the auditor reads it."""
        events: list[dict[str, Any]] = self.stack.say("erin", "audit", "log", "--request", request)
        return events

    def clear(self) -> None:
        """Take target and policies away, and wait until nothing of them is open."""
        self.stack.tell("dave", "DELETE", ACCESS_TARGETS.path(NAMESPACE, self.name))
        for policy in self._policies:
            self.stack.tell("dave", "DELETE", ACCESS_POLICIES.path(name=policy))
        self.stack.wait(self._grants, lambda grants: not grants)

    def wait_until_known(self) -> None:
        self._wait_until_ready(ACCESS_TARGETS.path(NAMESPACE, self.name))

    def _who(self, user: str) -> dict[str, Any]:
        found = self.stack.user(user)
        return {"username": found["username"], "groups": [*found["groups"], "system:authenticated"]}

    def _grants(self) -> list[str]:
        grants = self.stack.tell("erin", "GET", ACCESS_GRANTS.path(SYSTEM))["items"]
        return [each["metadata"]["name"] for each in grants if each["spec"]["host"] == self.host]

    def _wait_until_ready(self, path: str) -> None:
        def is_ready(found: dict[str, Any]) -> bool:
            status = found.get("status", {})
            ready = condition(found, "Ready")
            return bool(
                ready.get("status") == "True" and status.get("observedGeneration") == found["metadata"]["generation"]
            )

        self.stack.wait(lambda: self.stack.tell("dave", "GET", path), is_ready)


@contextmanager
def a_place(stack: Stack) -> Iterator[Place]:
    """Have dave declare a target, and take it away again."""
    place = Place(stack, f"own-{uuid4().hex[:8]}")
    spec = {
        "service": {"name": "orders", "port": "http"},
        "host": place.host,
        "paths": ["/"],
        "methods": ["GET", "HEAD", "POST"],
    }
    body = _object("AccessTarget", {"name": place.name, "namespace": NAMESPACE}, spec)
    stack.tell("dave", "POST", ACCESS_TARGETS.path(NAMESPACE), body)
    try:
        place.wait_until_known()
        yield place
    finally:
        place.clear()


def condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a condition of an object, empty where it has none."""
    conditions: list[dict[str, Any]] = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def state_of(request: dict[str, Any]) -> str:
    """Return a request's state in one word."""
    return str(condition(request, "Active").get("reason", ""))


def window_of(request: dict[str, Any]) -> tuple[float, float]:
    """Return when a request's access begins and ends, in seconds since the epoch."""
    window = request["status"]["window"]
    return epoch(window["notBefore"]), epoch(window["notAfter"])


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _object(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "jitgress.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
