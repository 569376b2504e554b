"""A request as people see it, read from its object.

Invariant 11: time is evaluated at every read; what was Active and has passed its end is Expired, whoever tidied up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.cli.exits import CliError
from jitgress.cli.names import Name
from jitgress.cli.wording import duration_words
from jitgress.domain.window import Window, parse_time
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.resources import ACCESS_REQUESTS

UNSEEN: Final = "New"
"""No operator has looked at it yet."""
OPEN_STATES: Final = frozenset({UNSEEN, "Pending", "Opening", "Active"})

_EVERYBODYS: Final = frozenset({"system:authenticated", "system:unauthenticated"})


class UnknownRequestError(CliError):
    """There is no such request."""

    code = "request_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """One AccessRequest. `scope` is in words; `state` as of `now`, one of the reasons of the condition Active."""

    name: Name
    uid: str
    target: Name
    requester: str
    groups: tuple[str, ...]
    reason: str
    duration: timedelta
    paths: tuple[str, ...]
    methods: tuple[str, ...]
    created_at: datetime
    state: str
    message: str
    denial: Mapping[str, str]
    """Code, message and remedy of the denial, as far as they are told."""
    policy: str
    approved_by: tuple[str, ...]
    approvals_required: int | None
    waiting_for: tuple[str, ...]
    window: Window | None
    url: str
    times: Mapping[str, datetime]
    lateness_ms: int | None

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing can come of it any more."""
        return self.state not in OPEN_STATES

    @property
    def scope(self) -> str:
        """What it asks for, in words; what it leaves open is the most that target and policy permit."""
        methods = ", ".join(self.methods) or "every permitted method"
        return f"{methods} on {', '.join(self.paths) or 'every permitted path'}"

    @property
    def who(self) -> str:
        """The requester with their groups; those that everybody has are left out."""
        groups = [group for group in self.groups if group not in _EVERYBODYS]
        return f"{self.requester} ({', '.join(groups) or 'no group'})"

    def next(self, now: datetime) -> str:
        """Return what comes next: how soon it closes, or what it waits for."""
        if self.state in ("Active", "Opening") and self.window:
            return f"closes in {duration_words(self.window.not_after - now)}"
        if self.state == "Pending":
            return f"waits for {', '.join(self.waiting_for) or 'its target'}"
        return ""


def request_view(found: Mapping[str, Any], now: datetime) -> RequestView:
    """Return what the object `found` says at `now`. What is missing in it is empty."""
    metadata, spec, status = found["metadata"], found.get("spec", {}), found.get("status", {})
    requester, approvals = spec.get("requester", {}), status.get("approvals", {})
    window = _window(status.get("window"))
    return RequestView(
        name=Name(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        target=Name(metadata["namespace"], str(spec.get("target", ""))),
        requester=str(requester.get("username", "")),
        groups=tuple(requester.get("groups") or ()),
        reason=str(spec.get("reason", "")),
        duration=timedelta(seconds=spec.get("durationSeconds", 0)),
        paths=tuple(spec.get("paths") or ()),
        methods=tuple(spec.get("methods") or ()),
        created_at=parse_time(metadata["creationTimestamp"]),
        state=_state(status, window, now),
        message=str(status.get("message", "")),
        denial=status.get("denial") or {},
        policy=str(status.get("policy", "")),
        approved_by=tuple(approvals.get("by") or ()),
        approvals_required=approvals.get("required"),
        waiting_for=tuple(status.get("waitingFor") or ()),
        window=window,
        url=str(status.get("url", "")),
        times={name: parse_time(status[name]) for name in ("activeAt", "closedAt", "hiddenAt") if status.get(name)},
        lateness_ms=status.get("latenessMilliseconds"),
    )


async def the_request(api: KubeApi, name: Name) -> Object:
    """Return the request called `name`, or raise `UnknownRequestError`."""
    found = await api.find(ACCESS_REQUESTS, name.name, name.namespace)
    if found is None:
        raise UnknownRequestError(f"there is no request {name}", remedy="List them with: jitgress list")
    return found


def condition_of(found: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the condition `kind` of an object, empty where it has none."""
    conditions = found.get("status", {}).get("conditions", ())
    nothing: Mapping[str, Any] = {}
    return next((each for each in conditions if each.get("type") == kind), nothing)


def _state(status: Mapping[str, Any], window: Window | None, now: datetime) -> str:
    state = str(condition_of({"status": status}, "Active").get("reason", UNSEEN))
    return "Expired" if state in ("Active", "Opening") and window and window.has_ended(now) else state


def _window(found: Mapping[str, Any] | None) -> Window | None:
    return Window(parse_time(found["notBefore"]), parse_time(found["notAfter"])) if found else None
