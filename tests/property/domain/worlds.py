"""Whole worlds for properties: a target, policies with every kind of term, a request, reviews, answers, and a time.

They are drawn so that about half of them permit something: a world in which everything is odd denies everything.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

from jitgress.domain.answer import Answer
from jitgress.domain.approval import Approval, Occasion, Quorum
from jitgress.domain.course import Course, Recorded, course
from jitgress.domain.policy import Effect, Policy
from jitgress.domain.request import Request
from jitgress.domain.review import Narrowing, Review
from jitgress.domain.ruling import Decision, Permitted, Unexamined
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import Subject
from jitgress.domain.target import NotReady, Ready, Target
from jitgress.domain.terms import Extensions, Limits, Mfa, Wording
from tests.builders import (
    ADDRESS,
    ALICE,
    CAROL,
    CHRIS,
    Condition,
    Words,
    a_glass,
    a_policy,
    a_request,
    a_review,
    a_schedule,
    a_scope,
    a_target,
    after,
    an_answer,
    decided,
    group,
    minutes,
    seconds,
    user,
)

T = TypeVar("T")

SAM: Final = Subject("sam", frozenset({"security"}))
ZED: Final = Subject("zed", frozenset({"security", "approvers"}))
PEOPLE: Final = (CAROL, CHRIS, SAM, ZED, ALICE)


def mostly(usual: T, *unusual: T) -> st.SearchStrategy[T]:
    """Draw the usual value four times in five."""
    return st.sampled_from([*[usual] * (4 * len(unusual)), *unusual])


def some_time(*seconds_after: int) -> st.SearchStrategy[datetime]:
    return st.sampled_from(seconds_after).map(after)


QUORUMS: Final = st.sampled_from(
    [
        (),
        (Quorum(1, (group("approvers"),)),),
        (Quorum(2, (group("approvers"),)),),
        (Quorum(1, (group("security"),), "security"), Quorum(1, (group("approvers"),), "owner")),
        (Quorum(1, (user("carol"), user("sam"))),),
    ]
)
OCCASIONS: Final = st.builds(
    Occasion,
    subjects=st.sampled_from([(), (group("dev"),), (group("oncall"),)]),
    schedule=st.sampled_from([None, a_schedule("09:00", "10:01"), a_schedule("10:01", "11:00")]),
    expression=st.sampled_from([None, Condition("true", lambda _: True), Condition("false", lambda _: False)]),
)
APPROVALS: Final = st.builds(
    Approval,
    quorums=QUORUMS,
    timeout=mostly(minutes(60), minutes(4)),
    webhook=st.sampled_from([None, None, "change"]),
    automatic_while=st.none() | st.none() | st.none() | OCCASIONS,
    others=st.just((group("approvers"),)),
)
SCHEDULES: Final = st.sampled_from(
    [
        None,
        None,
        None,
        a_schedule("09:00", "10:10"),
        a_schedule("10:03", "10:20"),
        a_schedule("10:50", "11:02", zone="Europe/Berlin"),
    ]
)
CEILINGS: Final = mostly(a_scope(), a_scope("/api"), a_scope("/api", "/app", methods=["GET"]), a_scope("/lab"))
OFFICE, DESK = Sources.of(["192.0.2.0/24"]), Sources.of(["192.0.2.7/32", "2001:db8::/64"])

POLICIES: Final = st.builds(
    a_policy,
    name=st.just("first"),
    max_duration=mostly(minutes(60), minutes(30), minutes(5)),
    default_duration=st.sampled_from([None, minutes(10), minutes(90)]),
    max_start_ahead=mostly(minutes(20), minutes(4), seconds(0)),
    extensions=mostly(Extensions(2, minutes(70)), None, Extensions(1, minutes(35))),
    schedule=SCHEDULES,
    ceiling=st.none() | CEILINGS,
    must_name_paths=st.sampled_from([False] * 9 + [True]),
    sources=st.sampled_from([ANYWHERE, OFFICE, DESK]),
    limits=mostly(Limits(), Limits(1, 1), Limits(per_day=2)),
    approval=APPROVALS,
    break_glass=mostly(a_glass(max_duration=minutes(40)), None),
)
TARGETS: Final = st.builds(
    a_target, ceiling=CEILINGS, readiness=mostly(Ready(ADDRESS), "unexamined", "unexamined", NotReady("Gone", "gone"))
)
REQUESTS: Final = st.builds(
    a_request,
    duration=mostly(minutes(5), None, minutes(30), minutes(60)),
    start_at=mostly(None, after(-60), after(200), after(900)),
    end_at=mostly(None, after(400), after(1500)),
    paths=mostly((), ("/api",), ("/api/v1", "/app")),
    methods=mostly((), ("GET",), ("GET", "PUT")),
    break_glass=st.sampled_from([False] * 7 + [True]),
)
NARROWINGS: Final = st.builds(
    Narrowing,
    duration=mostly(None, minutes(3), minutes(45), seconds(0)),
    paths=mostly((), ("/api",), ("/api/v1", "/lab")),
    methods=mostly((), ("GET",), ("POST",)),
    start_at=mostly(None, after(150), after(700), after(-5)),
)


def _numbered(drawn: Iterable[tuple[str, Subject, datetime, Narrowing]]) -> tuple[Review, ...]:
    return tuple(
        a_review(decision, who, at=at, uid=f"{number:02}", narrowing=narrowing)
        for number, (decision, who, at, narrowing) in enumerate(drawn)
    )


REVIEWS: Final = st.lists(
    st.tuples(
        st.sampled_from([*["Approve"] * 30, "Deny", "Revoke"]),
        st.sampled_from(PEOPLE),
        some_time(0, 1, 30, 60, 60, 120, 241),
        st.just(Narrowing()) | NARROWINGS,
    ),
    min_size=1,
    max_size=6,
).map(_numbered)
ANSWERS: Final = st.lists(
    st.builds(
        an_answer,
        mostly("Approve", "Deny"),
        at=some_time(0, 45, 90, 300),
        not_after=mostly(None, after(350), after(2000)),
    ),
    max_size=2,
).map(lambda drawn: tuple(sorted(drawn, key=lambda answer: answer.at)))  # as in the ledger
NOWS: Final = some_time(0, 60, 61, 120, 250, 300, 600, 1000, 3000)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a decision is made of."""

    target: Target
    policy: Policy
    request: Request
    reviews: tuple[Review, ...]
    answers: tuple[Answer, ...]
    now: datetime

    def decision(self, policy: Policy | None = None, **situation: Any) -> Decision:
        """Return what is decided, under another policy if one is given."""
        return decided(
            self.target,
            [policy or self.policy],
            self.request,
            self.reviews,
            self.now,
            **{"answers": self.answers, **situation},
        )

    def course(self, recorded: Recorded) -> Course:
        """Return what becomes of what was recorded."""
        decision = self.decision(is_opened=recorded.opened is not None)
        return course(decision, self.target, self.request, recorded, successor=None, now=self.now)


WORLDS: Final = st.builds(
    World, target=TARGETS, policy=POLICIES, request=REQUESTS, reviews=REVIEWS, answers=ANSWERS, now=NOWS
)


def permitted_by(decision: Decision) -> Permitted | None:
    """Return what is permitted, or would be once its target was examined."""
    match decision.ruling:
        case (Permitted() as permitted) | Unexamined(permitted=permitted):
            return permitted
        case _:
            return None


# One more restriction each. Those of `BY_PEOPLE` ask more of people, so that access may also begin later.

RESTRICTIONS: Final[dict[str, Callable[[Policy], Policy]]] = {
    "a lower cap": lambda policy: replace(policy, max_duration=min(policy.max_duration, minutes(4))),
    "a lower default": lambda policy: replace(policy, default_duration=minutes(2)),
    "a lower cap for broken glass": lambda policy: replace(
        policy, break_glass=policy.break_glass and replace(policy.break_glass, max_duration=minutes(4))
    ),
    "nobody breaks the glass": lambda policy: replace(policy, break_glass=None),
    "no booking ahead": lambda policy: replace(policy, max_start_ahead=seconds(0)),
    "weekly hours": lambda policy: replace(policy, schedule=policy.schedule or a_schedule("10:00", "10:07")),
    "fewer paths and methods": lambda policy: replace(
        policy, ceiling=(policy.ceiling or a_scope()).meet(a_scope("/api", methods=["GET"])) or a_scope("/nowhere")
    ),
    "paths to be named": lambda policy: replace(policy, must_name_paths=True),
    "fewer sources": lambda policy: replace(policy, sources=policy.sources.meet(OFFICE) or OFFICE),
    "a sign-in": lambda policy: replace(policy, mfa=Mfa(frozenset({"otp"}))),
    "a reason": lambda policy: replace(policy, reason=Wording(Words("CHG-"))),
    "a ticket": lambda policy: replace(policy, ticket=Wording(Words("CHG-1"))),
    "a condition": lambda policy: replace(policy, expression=Condition("false", lambda _: False)),
    "limits": lambda policy: replace(policy, limits=Limits(0, 0, 0)),
    "a defect": lambda policy: replace(policy, defect="an unknown zone"),
    "a denial": lambda policy: replace(policy, effect=Effect.DENY),
}
BY_PEOPLE: Final[dict[str, Callable[[Approval], Approval]]] = {
    "a webhook": lambda approval: replace(approval, webhook="change"),
    "another quorum": lambda approval: replace(
        approval, quorums=(*approval.quorums, Quorum(1, (group("security"),), "more"))
    ),
    "one more of each": lambda approval: replace(
        approval, quorums=tuple(replace(quorum, required=quorum.required + 1) for quorum in approval.quorums)
    ),
    "no occasion": lambda approval: replace(approval, automatic_while=None),
    "less time": lambda approval: replace(approval, timeout=seconds(59)),
}
