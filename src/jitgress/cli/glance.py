"""What approvers see before they answer: in one glance, what it is that they allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jitgress.cli.narrowing import Narrowed, approvals, narrowed_by
from jitgress.cli.reading import found_or_none, reviews_of
from jitgress.cli.screen import Screen
from jitgress.cli.terms import policy_named
from jitgress.cli.view import WEBHOOK, RequestView, request_view_or_broken
from jitgress.cli.wording import duration_words
from jitgress.crds.grants import subject_value
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.policy import Policy
from jitgress.domain.scope import Scope
from jitgress.kube.client import KubeApi, Object
from jitgress.kube.resources import ACCESS_REQUESTS, ACCESS_TARGETS

_EVERYTHING = "everything that target and policy permit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands around a request, as far as its reader may see it: None where they may not."""

    target: Object | None
    policy: Policy | None
    extended: RequestView | None
    approvals: Sequence[Object]

    @property
    def most(self) -> Scope | None:
        """The most that target and policy permit together."""
        if self.target is None:
            return None
        try:
            ceiling = Scope.of(self.target["spec"]["paths"], self.target["spec"]["methods"])
        except (InvalidValueError, KeyError):
            return None
        limit = self.policy.ceiling if self.policy else None
        return ceiling if limit is None else ceiling.meet(limit)

    def default_duration(self, view: RequestView) -> timedelta | None:
        """Return how long a request lasts that doesn't say so itself."""
        if self.policy is None:
            return None
        glass = self.policy.break_glass
        cap = glass.max_duration if view.is_break_glass and glass else self.policy.max_duration
        return min(self.policy.default_duration or cap, cap)


async def around(api: KubeApi, view: RequestView, screen: Screen) -> Around:
    """Read what stands around a request."""
    extended = (
        await found_or_none(api, ACCESS_REQUESTS, view.extends.name, view.name.namespace) if view.extends else None
    )
    return Around(
        target=await found_or_none(api, ACCESS_TARGETS, view.target.name, view.target.namespace),
        policy=await policy_named(api, view.policy),
        extended=request_view_or_broken(extended, screen.now) if extended else None,
        approvals=approvals(await reviews_of(api, view)),
    )


def glance(screen: Screen, view: RequestView, seen: Around, less: Narrowed) -> None:
    """Print who gets what, where, how long and when, and why."""
    spec: Mapping[str, Any] = seen.target["spec"] if seen.target else {}
    most = seen.most
    screen.fields(
        [
            ("request", str(view.name)),
            ("break-glass", _glass(screen, view)),
            ("who", view.who),
            ("target", f"{view.target}, {spec.get('host', 'host unknown')}"),
            ("methods", _instead(less.methods, _every(view.methods, most.sorted_methods() if most else ()))),
            ("paths", _instead(less.paths, _every(view.paths, most.paths if most else ()))),
            ("for", _lasting(view, seen, less)),
            ("when", _when(screen, view, less)),
            ("extends", _extended(screen, view, seen, less)),
            ("reason", view.reason),
            ("ticket", view.ticket),
            ("approvals", _approvals(view, seen)),
            *(("but", _others(screen, each)) for each in seen.approvals if narrowed_by(each)),
        ]
    )


def _every(asked: Sequence[str], most: Sequence[str]) -> str:
    if asked:
        return ", ".join(asked)
    return f"{', '.join(most)} ({_EVERYTHING})" if most else _EVERYTHING


def _instead(less: Sequence[str], asked: str) -> str:
    return f"{', '.join(less)}, instead of {asked}" if less else asked


def _lasting(view: RequestView, seen: Around, less: Narrowed) -> str:
    default = seen.default_duration(view)
    asked = f"{duration_words(default)} ({view.lasting})" if view.duration is None and default else view.lasting
    return f"{duration_words(less.duration)}, instead of {asked}" if less.duration else asked


def _when(screen: Screen, view: RequestView, less: Narrowed) -> str:
    if view.window is not None:
        return f"{screen.time(view.window.not_before)} to {screen.time(view.window.not_after)}"
    if view.is_closed:
        return ""
    begin = "at once" if view.is_break_glass else "as soon as it is approved"
    start = less.start_at or view.start_at
    if start is not None and start > screen.now:
        begin = f"from {screen.time(start)} (in {duration_words(start - screen.now)})"
    asked = f", instead of {screen.time(view.start_at)}" if less.start_at and view.start_at else ""
    end = f", not after {screen.time(view.end_at)}" if view.end_at else ""
    return begin + asked + end


def _extended(screen: Screen, view: RequestView, seen: Around, less: Narrowed) -> str:
    if view.extends is None:
        return ""
    before, duration = seen.extended, less.duration or view.duration
    if before is None or before.window is None:
        return str(view.extends)
    end = before.window.not_after
    then = f"; with this until {screen.time(end + duration)}" if duration and not view.is_closed else ""
    return f"{view.extends}, open until {screen.time(end)}{then}"


def _glass(screen: Screen, view: RequestView) -> str:
    due = view.glass_review
    return f"opened without approval; {due.sentence(screen.now)}" if due else view.glass(screen.now)


def _approvals(view: RequestView, seen: Around) -> str:
    required, by = view.approvals_required, view.approved_by
    if required is None or view.is_closed or view.is_break_glass:
        return ""
    so_far = f"{len(by)} of {required}" if required else "none needed"
    missing = f", {required - len(by)} missing" if required > len(by) else ""
    who = ", ".join(_asked(view, seen))
    return so_far + (f" by {', '.join(by)}" if by else "") + missing + (f": {who}" if who else "")


def _asked(view: RequestView, seen: Around) -> list[str]:
    """Return who is still to be asked, with their numbers where several groups have to approve."""
    if not view.waiting_for or seen.policy is None:
        return list(view.waiting_for)
    approved = [subject_value(each["spec"]["reviewer"]) for each in seen.approvals]
    missing = seen.policy.approval.missing(approved)
    groups = [f"{each.required} of {each}" if each.name else str(each) for each in missing]
    return groups + [each for each in view.waiting_for if each.startswith(WEBHOOK)]


def _others(screen: Screen, review: Object) -> str:
    return f"{review['spec']['reviewer']['username']} approved no more than: {narrowed_by(review).words(screen)}"
