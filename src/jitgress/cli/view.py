"""A request as people see it, read from its object.

Invariant 11: time is evaluated at every read; what was Active and has passed its end is Expired, whoever tidied up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from jitgress.cli.exits import CliError
from jitgress.cli.names import Name
from jitgress.cli.wording import duration_words
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.window import Window, parse_time
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.resources import ACCESS_REQUESTS

UNSEEN: Final = "New"
"""No operator has looked at it yet."""
NOT_UNDERSTOOD: Final = "NotUnderstood"
"""It says something that can't be read, so that nothing comes of it: the operator doesn't understand it either."""
OPEN_STATES: Final = frozenset({UNSEEN, "Pending", "Scheduled", "Opening", "Active"})
VERDICTS: Final = {"Approve": "justified", "Deny": "not justified", "Revoke": "revoked"}
"""What a review of break-glass says, by its decision."""

WEBHOOK: Final = "webhook "
"""How the status begins that an external system is waited for, not a person."""

_HAVE_A_WINDOW: Final = frozenset({"Scheduled", "Opening", "Active"})
_TIMES: Final = frozenset({"startTime", "endTime"})
_EVERYBODYS: Final = frozenset({"system:authenticated", "system:unauthenticated"})


class UnknownRequestError(CliError):
    """There is no such request."""

    code = "request_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassReview:
    """The review of what break-glass opened: by when it is due, and what came of it."""

    due_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str
    verdict: str

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether it should have been reviewed by `now`."""
        return self.reviewed_at is None and now >= self.due_at

    def words(self, now: datetime) -> str:
        """Return in a few words how the review stands, for a narrow column."""
        if self.reviewed_at is not None:
            return self.verdict
        if self.is_overdue(now):
            return f"OVERDUE {duration_words(now - self.due_at)}"
        return f"due in {duration_words(self.due_at - now)}"

    def sentence(self, now: datetime) -> str:
        """Return how the review stands."""
        if self.reviewed_at is not None:
            return f"reviewed by {self.reviewed_by}: {self.verdict}"
        return f"review {self.words(now).replace('OVERDUE', 'OVERDUE by')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """One AccessRequest. `scope` is in words; `state` as of `now`, one of the reasons of the condition Active."""

    name: Name
    uid: str
    target: Name
    requester: str
    groups: tuple[str, ...]
    reason: str
    ticket: str
    duration: timedelta | None
    """None: the policy's default."""
    start_at: datetime | None
    end_at: datetime | None
    paths: tuple[str, ...]
    methods: tuple[str, ...]
    extends: Name | None
    extends_uid: str
    is_break_glass: bool
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
    extensions: int
    glass_review: GlassReview | None
    """None unless break-glass opened something."""
    times: Mapping[str, datetime]
    lateness_ms: int | None

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing can come of it any more."""
        return self.state not in OPEN_STATES

    @property
    def is_unreviewed(self) -> bool:
        """Tell whether break-glass opened something that nobody has reviewed."""
        return self.glass_review is not None and self.glass_review.reviewed_at is None

    @property
    def scope(self) -> str:
        """What it asks for, in words; what it leaves open is the most that target and policy permit."""
        methods = ", ".join(self.methods) or "every permitted method"
        return f"{methods} on {', '.join(self.paths) or 'every permitted path'}"

    @property
    def lasting(self) -> str:
        """How long it asks for, in words."""
        return "the policy's default" if self.duration is None else duration_words(self.duration)

    @property
    def who(self) -> str:
        """The requester with their groups; those that everybody has are left out."""
        groups = [group for group in self.groups if group not in _EVERYBODYS]
        return f"{self.requester} ({', '.join(groups) or 'no group'})"

    def next(self, now: datetime) -> str:
        """Return what comes next: how soon it opens or closes, or what it waits for."""
        if self.state == "Scheduled" and self.window:
            return f"opens in {duration_words(self.window.not_before - now)}"
        if self.state in ("Active", "Opening") and self.window:
            return f"closes in {duration_words(self.window.not_after - now)}"
        if self.state == "Pending":
            first, others = (*self.waiting_for, "its target")[0], len(self.waiting_for) - 1
            return f"waits for {first}" + (f" and {others} more" if others > 0 else "")
        return ""

    def glass(self, now: datetime) -> str:
        """Return how it stands with break-glass, in a few words; empty where it is none."""
        if not self.is_break_glass:
            return ""
        if self.state == NOT_UNDERSTOOD:
            return "unknown"
        if self.glass_review is not None:
            return self.glass_review.words(now)
        return "never opened" if self.is_closed else "opens at once"


def request_view(found: Mapping[str, Any], now: datetime) -> RequestView:
    """Return what the object `found` says at `now`. What is missing in it is empty. Raises `InvalidValueError`."""
    metadata, spec, status = found["metadata"], found.get("spec", {}), found.get("status", {})
    requester, approvals, extends = spec.get("requester", {}), status.get("approvals", {}), spec.get("extends")
    window = _window(status.get("window"))
    seconds = spec.get("durationSeconds")
    return RequestView(
        name=Name(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        target=Name(metadata["namespace"], str(spec.get("target", ""))),
        requester=str(requester.get("username", "")),
        groups=tuple(requester.get("groups") or ()),
        reason=str(spec.get("reason", "")),
        ticket=str(spec.get("ticket", "")),
        duration=None if seconds is None else timedelta(seconds=seconds),
        start_at=_time(spec, "startTime"),
        end_at=_time(spec, "endTime"),
        paths=tuple(spec.get("paths") or ()),
        methods=tuple(spec.get("methods") or ()),
        extends=Name(metadata["namespace"], extends["name"]) if extends else None,
        extends_uid=str(extends["uid"]) if extends else "",
        is_break_glass=spec.get("breakGlass") is True,
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
        extensions=int(status.get("extensions", 0)),
        glass_review=_glass_review(status.get("breakGlass")),
        times={name: parse_time(status[name]) for name in ("activeAt", "closedAt", "hiddenAt") if status.get(name)},
        lateness_ms=status.get("latenessMilliseconds"),
    )


def request_view_or_broken(found: Mapping[str, Any], now: datetime) -> RequestView:
    """Return what the object `found` says at `now`, or as much of it as can be read, in the state NotUnderstood.

    For whoever shows many: one that can't be understood must not hide the others.
    """
    try:
        return request_view(found, now)
    except InvalidValueError as error:
        spec = {name: value for name, value in found["spec"].items() if name not in _TIMES}
        view = request_view({"metadata": found["metadata"], "spec": spec}, now)
        told = {"message": f"it can't be understood: {error.message}", "remedy": f"Ask anew. {error.remedy}"}
        return replace(view, state=NOT_UNDERSTOOD, message=told["message"], denial=told)


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
    return "Expired" if state in _HAVE_A_WINDOW and window and window.has_ended(now) else state


def _window(found: Mapping[str, Any] | None) -> Window | None:
    return Window(parse_time(found["notBefore"]), parse_time(found["notAfter"])) if found else None


def _glass_review(found: Mapping[str, Any] | None) -> GlassReview | None:
    if not found:
        return None
    verdict = str(found.get("verdict", ""))
    return GlassReview(
        due_at=parse_time(found["reviewDueAt"]),
        reviewed_at=_time(found, "reviewedAt"),
        reviewed_by=str(found.get("reviewedBy", "")),
        verdict=VERDICTS.get(verdict, verdict),
    )


def _time(found: Mapping[str, Any], key: str) -> datetime | None:
    return parse_time(found[key]) if found.get(key) else None
