"""Values with defaults: a test names only what it is about, `a_request(duration=minutes(5))`.

The story that the defaults tell: alice (dev) asks at NOW for shop/orders; carol or chris (approvers) approve.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, Literal

from jitgress.domain.answer import Answer, AnswerVerdict
from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.asked import Asked
from jitgress.domain.decide import decide
from jitgress.domain.expression import Circumstances
from jitgress.domain.grant import Grant, GrantId
from jitgress.domain.host import parse_host
from jitgress.domain.policy import Policy, PolicyList, TargetSelector
from jitgress.domain.request import Request, RequestRef
from jitgress.domain.review import Narrowing, Review, ReviewDecision
from jitgress.domain.ruling import Decision
from jitgress.domain.schedule import Schedule, Weekday
from jitgress.domain.scope import Scope
from jitgress.domain.situation import Situation
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import NotReady, Ready, Target, TargetRef
from jitgress.domain.terms import BreakGlass
from jitgress.domain.window import Window

NOW: Final = datetime(2026, 1, 1, 10, tzinfo=UTC)
ADDRESS: Final = "127.64.0.7:80"

ALICE: Final = Subject("alice", frozenset({"dev"}))
BOB: Final = Subject("bob", frozenset({"dev"}))
CAROL: Final = Subject("carol", frozenset({"approvers"}))
CHRIS: Final = Subject("chris", frozenset({"approvers"}))
MALLORY: Final = Subject("mallory")


class ClocksPutBack(tzinfo):
    """A zone whose clocks go from 03:00 back to 02:00 on 2026-10-25, without needing a time zone database."""

    def utcoffset(self, at: datetime | None) -> timedelta:
        wall = at.replace(tzinfo=None) if at else datetime(2026, 1, 1)  # noqa: DTZ001  the clock on the wall
        is_summer = wall < datetime(2026, 10, 25, 3 - (at.fold if at else 0))  # noqa: DTZ001  the same
        return timedelta(hours=2 if is_summer else 1)

    def dst(self, at: datetime | None) -> timedelta:
        return self.utcoffset(at) - timedelta(hours=1)

    def tzname(self, _at: datetime | None) -> str:
        return "put-back"


@dataclass(frozen=True, slots=True)
class Words:
    """A pattern that is nothing but a text to be found."""

    text: str

    def is_found_in(self, text: str) -> bool:
        return self.text in text

    def is_whole(self, text: str) -> bool:
        return self.text == text


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression whose meaning is a Python function."""

    text: str
    meaning: Callable[[Circumstances], bool]

    def holds(self, circumstances: Circumstances) -> bool:
        return self.meaning(circumstances)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def after(seconds: float) -> datetime:
    """Return the moment this many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def user(name: str) -> SubjectRef:
    return SubjectRef(SubjectKind.USER, name)


def group(name: str) -> SubjectRef:
    return SubjectRef(SubjectKind.GROUP, name)


def workload(**claims: str) -> SubjectRef:
    return SubjectRef(SubjectKind.WORKLOAD, claims=frozenset(claims.items()))


def a_scope(*paths: str, methods: Iterable[str] = ("GET", "POST")) -> Scope:
    return Scope.of(paths or ("/",), methods)


def a_target(
    *,
    namespace: str = "shop",
    name: str = "orders",
    uid: str = "target-1",
    host: str = "orders.example.test",
    ceiling: Scope | None = None,
    labels: Mapping[str, str] | None = None,
    readiness: Ready | NotReady | Literal["unexamined"] | None = None,
) -> Target:
    """Return a target, ready unless told otherwise."""
    return Target(
        ref=TargetRef(namespace, name, uid),
        host=parse_host(host),
        ceiling=ceiling or a_scope(),
        labels=labels or {},
        readiness=None if readiness == "unexamined" else readiness or Ready(ADDRESS),
    )


def an_approval(
    required: int = 1, *approvers: SubjectRef, timeout: timedelta = timedelta(hours=1), automatic: bool = False
) -> Approval:
    """Return the terms of approval, by the group `approvers` unless others are named."""
    if automatic:
        return Approval((), timeout, others=approvers)
    return Approval((Quorum(required, approvers or (group("approvers"),)),), timeout)


def a_schedule(
    begins: str = "09:00", ends: str = "11:00", *, days: Iterable[str] = tuple(Weekday), zone: str = "UTC"
) -> Schedule:
    """Return a schedule with one span, which NOW is in unless told otherwise."""
    return Schedule.of(zone, [(days, begins, ends)])


def a_glass(
    *subjects: SubjectRef,
    max_duration: timedelta = timedelta(hours=2),
    review_within: timedelta = timedelta(days=1),
    locks_out: bool = False,
) -> BreakGlass:
    """Return the terms on which dev may break the glass, unless others are named."""
    return BreakGlass(subjects or (group("dev"),), max_duration, review_within, locks_out)


def a_policy(
    *,
    name: str = "standard",
    priority: int = 100,
    subjects: Iterable[SubjectRef] = (group("dev"),),
    targets: TargetSelector | None = None,
    max_duration: timedelta = timedelta(hours=1),
    approval: Approval | None = None,
    **terms: Any,
) -> Policy:
    """Return a policy that lets dev reach everything in shop for an hour after one approval; `terms` name the rest."""
    return Policy(
        name=name,
        priority=priority,
        subjects=tuple(subjects),
        targets=targets or TargetSelector(namespaces=frozenset({"shop"})),
        max_duration=max_duration,
        approval=approval or an_approval(),
        **terms,
    )


def a_request(  # noqa: PLR0913  a builder can name every field
    *,
    uid: str = "request-1",
    name: str = "alice-orders",
    namespace: str = "shop",
    target: str = "orders",
    requester: Subject = ALICE,
    reason: str = "INC-123 orders are stuck",
    duration: timedelta | None = timedelta(minutes=30),
    created_at: datetime = NOW,
    paths: Iterable[str] = (),
    methods: Iterable[str] = (),
    **more: Any,
) -> Request:
    """Return alice's request for half an hour; `more` names the fields that few requests have."""
    return Request(
        ref=RequestRef(namespace, name, uid),
        target=target,
        requester=requester,
        reason=reason,
        duration=duration,
        created_at=created_at,
        paths=tuple(paths),
        methods=tuple(methods),
        **more,
    )


def a_review(
    decision: ReviewDecision | str = ReviewDecision.APPROVE,
    reviewer: Subject = CAROL,
    *,
    at: datetime | None = None,
    uid: str | None = None,
    request_uid: str = "request-1",
    comment: str = "",
    narrowing: Narrowing | None = None,
) -> Review:
    """Return a review, made a minute after NOW unless told otherwise; its uid tells who said what."""
    decision = ReviewDecision(decision)
    uid = uid or f"{reviewer.username}-{decision.lower()}"
    return Review(
        uid=uid,
        name=uid,
        request_uid=request_uid,
        decision=decision,
        reviewer=reviewer,
        created_at=at or after(60),
        comment=comment,
        narrowing=narrowing or Narrowing(),
    )


def an_answer(
    verdict: AnswerVerdict | str = AnswerVerdict.APPROVE,
    *,
    at: datetime | None = None,
    webhook: str = "change",
    **more: Any,
) -> Answer:
    """Return what the external system said, a minute after NOW unless told otherwise."""
    return Answer(webhook, AnswerVerdict(verdict), at or after(60), **more)


def a_window(not_before: datetime = NOW, duration: timedelta = timedelta(minutes=30)) -> Window:
    return Window.starting(not_before, duration)


def a_grant(
    *,
    request: Request | None = None,
    target: Target | None = None,
    policy: str = "standard",
    address: str = ADDRESS,
    scope: Scope | None = None,
    window: Window | None = None,
    **more: Any,
) -> Grant:
    """Return the grant that `request` got for `target`."""
    request, target = request or a_request(), target or a_target()
    window = window or a_window()
    return Grant(
        id=GrantId(request.ref.uid),
        request=request.ref,
        target=target.ref,
        policy=policy,
        subject=request.requester,
        host=target.host,
        address=address,
        scope=scope or target.ceiling,
        window=window,
        **{"since": window.not_before} | more,
    )


def a_situation(**facts: Any) -> Situation:
    """Return a situation in which nothing counts against the request."""
    return Situation(**facts)


def decided(
    target: Target | None,
    policies: Iterable[Policy],
    request: Request | None = None,
    reviews: Iterable[Review] = (),
    now: datetime = NOW,
    **situation: Any,
) -> Decision:
    """Decide about a request where nothing counts against it but what `situation` names."""
    return decide(
        target,
        PolicyList(tuple(policies)),
        request or a_request(),
        reviews,
        situation=a_situation(**situation),
        now=now,
    )


def what_is_seen(
    subject: Subject, target: Target, request: Request, opens_at: datetime = NOW, **terms: Any
) -> Circumstances:
    """Return what an expression sees when `subject` makes this request under a policy with these terms."""
    asked = Asked(replace(request, requester=subject), target, a_policy(**terms), a_situation())
    return asked.circumstances(opens_at)
