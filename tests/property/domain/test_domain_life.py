"""A request's whole life under an operator that runs, pauses and crashes: invariants 4, 5, 11 and 12, step by step.

The machine keeps the raw facts; what it checks it computes from these alone, never from the code's own answers.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jitgress.domain.approval import Approval
from jitgress.domain.course import Close, Course, Open, Recorded, course
from jitgress.domain.grant import Grant
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.review import Review, ReviewDecision, ReviewStanding
from jitgress.domain.ruling import Decision
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject, SubjectKind
from jitgress.domain.target import NotReady, Ready, Target
from tests.builders import (
    ADDRESS,
    ALICE,
    BOB,
    CAROL,
    CHRIS,
    a_policy,
    a_request,
    a_review,
    a_scope,
    a_target,
    after,
    an_approval,
    decided,
    group,
    seconds,
    user,
)

CAROL_TOO: Final = Subject("Carol", CAROL.groups)
ALICE_TOO: Final = Subject("Alice", CAROL.groups)
REVIEWERS: Final = st.sampled_from([CAROL, CAROL, CHRIS, BOB, ALICE, ALICE_TOO, CAROL_TOO])
DECISIONS: Final = st.sampled_from([*ReviewDecision, *[ReviewDecision.APPROVE] * 3])
GROUPS_OF_REVIEWERS: Final = st.sampled_from([(CAROL,), (CAROL, CHRIS), (CHRIS, BOB), (CAROL, CAROL_TOO)])
APPROVERS: Final = st.sampled_from(
    [*[(group("approvers"),)] * 3, (user("carol"),), (user("bob"), user("chris")), (user("alice"),)]
)
APPROVALS: Final = st.builds(
    lambda number, who, timeout: an_approval(number, *who, timeout=seconds(timeout), automatic=number == 0),
    st.sampled_from([1, 2, 2, 0]),
    APPROVERS,
    st.sampled_from([20, 120, 120]),
)
CAPS: Final = st.sampled_from([30, 60, 60, 90]).map(seconds)
CEILINGS: Final = st.sampled_from([a_scope("/"), a_scope("/"), a_scope("/api"), a_scope("/app", methods=["GET"])])
READINESS: Final[dict[str, Ready | NotReady | None]] = {
    "examine": None,
    "break": NotReady("Gone", "it is gone"),
    "mend": Ready(ADDRESS),
    "move the Service": Ready("127.64.0.9:80"),
}
POLICY_EDITS: Final = ("first policy", "first policy", "second policy", "no second policy", "no first policy")
EDITS: Final = (*POLICY_EDITS, *READINESS, "mend", "delete target", "make target", "ceiling")


def is_entitled(policy: Policy, who: Subject) -> bool:
    own = {(SubjectKind.USER, who.username), *((SubjectKind.GROUP, name) for name in who.groups)}
    return not own.isdisjoint((ref.kind, ref.name) for ref in policy.approval.approvers)


@dataclass
class Life:
    """One request, what the ledger holds of it, and what the gate was told."""

    request: Request
    recorded: Recorded = field(default_factory=Recorded)
    recorded_grants: list[Grant] = field(default_factory=list)
    grant: Grant | None = None
    opened_under: Policy | None = None
    approvals_at_opening: int = 0
    is_untouched: bool = True
    """Since it was opened nothing happened but time, and whatever happened to the other request."""


class World(RuleBasedStateMachine):
    """What the API server holds, two clocks, and an operator."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0  # the API server's clock, which only ever goes on
        self.is_down = False
        self.skew = 0  # how far the operator's and the gate's clock is off
        self.lives: list[Life] = []
        self.policies: dict[str, Policy] = {}
        self.target: Target | None = a_target()
        self.reviews: list[Review] = []
        self.was_not_entitled: set[str] = set()

    @property
    def now(self) -> datetime:
        return after(self.time + self.skew)

    # What people do.

    @initialize(approval=APPROVALS, cap=CAPS)
    def begin(self, approval: Approval, cap: timedelta) -> None:
        self.policies["first policy"] = a_policy(name="first policy", max_duration=cap, approval=approval)
        self.ask(30)

    @precondition(lambda self: len(self.lives) == 1)
    @rule(duration=st.sampled_from([10, 30, 60]))
    def ask(self, duration: int) -> None:
        uid = f"request-{len(self.lives)}"
        self.lives.append(Life(a_request(uid=uid, name=uid, duration=seconds(duration), created_at=after(self.time))))

    @rule(decision=DECISIONS, who=REVIEWERS, which=st.integers(0, 1))
    def review(self, decision: ReviewDecision, who: Subject, which: int) -> None:
        life = self.lives[which % len(self.lives)]
        uid = f"{len(self.reviews):03}"
        made = a_review(decision, who, at=after(self.time), uid=uid, request_uid=life.request.ref.uid)
        self.reviews.append(made)
        life.is_untouched = False

    @rule(which=st.integers(0, 1), reviewers=GROUPS_OF_REVIEWERS)
    def approve_as_expected(self, which: int, reviewers: tuple[Subject, ...]) -> None:
        for who in reviewers:
            self.review(ReviewDecision.APPROVE, who, which)

    @rule(edit=st.sampled_from(EDITS), approval=APPROVALS, cap=CAPS, ceiling=CEILINGS, is_odd=st.integers(0, 2))
    def somebody_edits(self, edit: str, approval: Approval, cap: timedelta, ceiling: Scope, is_odd: int) -> None:
        if is_odd != 1:  # edits are rarer than the rest, or else nothing ever stays open
            return
        match edit:
            case "first policy" | "second policy":
                self.policies[edit] = a_policy(name=edit, max_duration=cap, approval=approval)
            case "no second policy":
                self.policies.pop("second policy", None)
            case "no first policy":
                self.policies.pop("first policy", None)
            case "delete target":
                self.target = None
            case "make target":
                self.target = a_target(uid=f"target-{self.time}")
            case "ceiling":
                self.target = self.target and replace(self.target, ceiling=ceiling)
            case _:
                self.target = self.target and replace(self.target, readiness=READINESS[edit])
        for life in self.lives:
            life.is_untouched = False
        self.operator_notices()

    # What clocks do.

    @rule(seconds_passed=st.sampled_from([0, 1, 1, 5, 20, 31]))
    def pass_time(self, seconds_passed: int) -> None:
        self.time += seconds_passed
        self.operator_notices()

    @precondition(lambda self: any(life.recorded.opened for life in self.lives))
    @rule(offset=st.sampled_from([-1, 0, 1]), which=st.integers(0, 1))
    def pass_time_until_about_the_end(self, offset: int, which: int) -> None:
        opened = self.lives[which % len(self.lives)].recorded.opened
        if opened is not None:
            end = int((opened.window.not_after - after(0)).total_seconds())
            self.time = max(self.time, end - self.skew + offset)
        self.operator_notices()

    @rule(skew=st.sampled_from([-40, -5, 0, 0, 5, 40]))
    def jump(self, skew: int) -> None:
        self.skew = skew
        self.operator_notices()

    # What the operator does: it runs at every change, unless it is down; it may crash once the ledger has it.

    @rule(is_down=st.sampled_from([False, False, True]))
    def operator_stops_or_starts(self, *, is_down: bool) -> None:
        self.is_down = is_down
        self.operator_notices()

    @rule()
    def operator_crashes_midway(self) -> None:
        self.run_operator(crash_before_apply=True)

    def operator_notices(self) -> None:
        if not self.is_down:
            self.run_operator()

    def decision_of(self, life: Life) -> Decision:
        reviews = [replace(each, is_barred=each.uid in self.was_not_entitled) for each in self.reviews]
        is_opened = life.recorded.opened is not None
        return decided(self.target, self.policies.values(), life.request, reviews, self.now, is_opened=is_opened)

    def course_of(self, life: Life, decision: Decision) -> Course:
        return course(decision, self.target, life.request, life.recorded, successor=None, now=self.now)

    def run_operator(self, *, crash_before_apply: bool = False) -> None:
        for life in self.lives:
            decision = self.decision_of(life)
            for judged in decision.reviews:
                if judged.standing is ReviewStanding.NOT_ENTITLED:
                    self.was_not_entitled.add(judged.review.uid)
            way = self.course_of(life, decision)
            self.expect_to_stay(life, way)
            match way:
                case Open(grant=grant):
                    opened = life.recorded.opened
                    if opened is None:
                        self.check_opening(life, grant)
                    else:
                        self.check_narrowing(opened, grant)
                    life.recorded = replace(life.recorded, opened=grant)
                    life.recorded_grants.append(grant)
                case Close():
                    assert life.recorded.closed in {None, way}, "the first end stands"
                    life.recorded = replace(life.recorded, closed=way)
                case _:
                    pass
            if not crash_before_apply:
                life.grant = way.grant if isinstance(way, Open) else None

    def check_opening(self, life: Life, grant: Grant) -> None:
        """Compute from the raw facts alone whether this may be opened, and for how long."""
        request = life.request
        policy = min(self.policies.values(), key=lambda each: each.name)  # all have one priority, and match alice
        assert life.recorded.closed is None, "what was closed was opened"
        assert grant.policy == policy.name
        assert self.target is not None
        assert self.target.readiness == Ready(grant.address), "a target that is not ready was opened"
        assert grant.scope.within(self.target.ceiling)
        approvals = [
            each
            for each in self.reviews
            if each.request_uid == request.ref.uid
            and each.decision == "Approve"
            and each.reviewer.username.lower() != "alice"
            and is_entitled(policy, each.reviewer)
            and each.uid not in self.was_not_entitled
            and each.created_at < request.created_at + policy.approval.timeout
        ]
        people = {each.reviewer.username.lower() for each in approvals}
        assert len(people) >= policy.approval.required, "too few people approved in time"
        starts = {request.created_at} if policy.approval.required == 0 else {each.created_at for each in approvals}
        assert grant.window.not_before in starts, "the window does not start at the approval"
        assert grant.window.duration <= policy.max_duration
        assert grant.window.duration == request.duration
        life.opened_under, life.is_untouched = policy, True

    def check_narrowing(self, opened: Grant, grant: Grant) -> None:
        """What is open only ever becomes less, and stays within what the target's owner permits now."""
        assert grant.window.not_before == opened.window.not_before
        assert grant.window.not_after <= opened.window.not_after
        assert grant.scope.within(opened.scope)
        assert self.target is not None
        assert grant.scope.within(self.target.ceiling)
        assert replace(grant, scope=opened.scope, window=opened.window) == opened

    def expect_to_stay(self, life: Life, way: object) -> None:
        """Nothing but its own end closes what nobody touched: not the end of the other request either."""
        opened = life.recorded.opened
        if opened is None or life.recorded.closed is not None or not life.is_untouched:
            return
        if self.now < opened.window.not_after:
            assert way == Open(opened), "it was closed though nothing happened to it"

    # What must hold after each step.

    @invariant()
    def an_open_window_is_never_longer_than_cap_and_wish(self) -> None:
        for life in self.lives:
            if life.grant is not None:
                assert life.opened_under is not None, "a grant without a record"
                assert life.grant.window.duration <= life.opened_under.max_duration
                assert life.grant.window.duration <= (life.request.duration or seconds(0))

    @invariant()
    def whoever_looks_after_the_end_finds_it_over(self) -> None:
        for life in self.lives:
            opened = life.recorded.opened
            if opened is not None and self.now >= opened.window.not_after:
                assert not opened.window.contains(self.now)
                assert isinstance(self.course_of(life, self.decision_of(life)), Close)

    @invariant()
    def what_is_closed_gets_no_grant(self) -> None:
        for life in self.lives:
            if life.recorded.closed is not None:
                assert self.course_of(life, self.decision_of(life)) == life.recorded.closed

    @invariant()
    def a_grant_was_recorded_before(self) -> None:
        for life in self.lives:
            if life.grant is not None:
                assert life.grant in life.recorded_grants


World.TestCase.settings = settings(max_examples=400, stateful_step_count=40)
TestTheWholeLifeOfARequest = World.TestCase
