"""Invariants 5, 10 and 11: the decision against a plain retelling of the rules, written without the code's parts."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.domain.approval import Approval, Quorum
from jitgress.domain.policy import Policy, TargetSelector
from jitgress.domain.request import Request
from jitgress.domain.review import Review, ReviewDecision
from jitgress.domain.ruling import Awaiting, Denied, Permitted, Ruling, Stopped, TimedOut, Unexamined
from jitgress.domain.subject import Subject, SubjectKind, SubjectRef
from jitgress.domain.target import NotReady, Ready, Target
from tests.builders import ADDRESS, a_policy, a_request, a_review, a_target, after, decided, group, seconds, user

T = TypeVar("T")
PEOPLE: Final = tuple(
    Subject(name, frozenset(groups))
    for name, groups in (
        ("alice", {"dev"}),
        ("Alice", {"approvers"}),
        ("carol", {"approvers"}),
        ("CAROL", {"approvers"}),
        ("chris", {"approvers", "dev"}),
        ("bob", {"dev"}),
    )
)
ANYTHING: Final = TargetSelector(namespaces=frozenset({"shop", "bank"}))


def mostly(usual: T, unusual: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Draw the usual value three times in four: a world in which everything is odd denies everything."""
    return st.sampled_from([st.just(usual), st.just(usual), st.just(usual), unusual]).flatmap(lambda drawn: drawn)


REFS: Final = st.lists(
    st.sampled_from([user("alice"), user("bob"), user("chris"), group("dev"), group("approvers"), group("")]),
    max_size=2,
).map(tuple)
SELECTORS: Final = st.builds(
    TargetSelector,
    namespaces=st.frozensets(st.sampled_from(["shop", "bank"]), max_size=1),
    names=st.frozensets(st.sampled_from(["orders", "billing"]), max_size=1),
    labels=st.dictionaries(st.just("tier"), st.sampled_from(["web", "db"]), max_size=1),
)


def an_approval_by(required: int, approvers: tuple[SubjectRef, ...], timeout: timedelta) -> Approval:
    """Return the terms of one quorum; zero asks for nobody's approval, and those who are named may still revoke."""
    if required == 0:
        return Approval((), timeout, others=approvers)
    return Approval((Quorum(required, approvers),), timeout)


APPROVALS: Final = st.builds(
    an_approval_by,
    required=st.sampled_from([1, 1, 2, 2, 0, -1]),
    approvers=mostly((group("approvers"),), REFS),
    timeout=st.sampled_from([seconds(20), seconds(20), seconds(5)]),
)
POLICIES: Final = st.lists(
    st.builds(
        a_policy,
        name=st.sampled_from("abcd"),
        priority=st.integers(0, 2),
        subjects=mostly((group("dev"), group("approvers")), REFS),
        targets=mostly(ANYTHING, SELECTORS),
        max_duration=mostly(seconds(60), st.just(seconds(10))),
        approval=APPROVALS,
        defect=mostly(None, st.sampled_from([None, None, "broken"])),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda policy: policy.name,
)
TARGETS: Final = st.builds(
    a_target,
    namespace=mostly("shop", st.sampled_from(["shop", "bank"])),
    labels=st.dictionaries(st.just("tier"), st.sampled_from(["web", "db"]), max_size=1),
    readiness=mostly(Ready(ADDRESS), st.sampled_from([NotReady("Gone", "gone"), "unexamined"])),
)
REQUESTS: Final = st.builds(
    a_request,
    requester=mostly(PEOPLE[0], st.sampled_from(PEOPLE)),
    duration=mostly(seconds(9), st.sampled_from([seconds(0), seconds(30)])),
)
REVIEWS: Final = st.lists(
    st.builds(
        lambda decision, who, at, uid, about: a_review(decision, who, at=after(at), uid=uid, request_uid=about),
        st.sampled_from([*[ReviewDecision.APPROVE] * 5, *[ReviewDecision.DENY] * 2, ReviewDecision.REVOKE]),
        st.sampled_from([*PEOPLE, *PEOPLE[2:5]]),
        st.sampled_from([0, 1, 2, 3, 3, 4, 4, 5, 6, 19, 20, 21]),
        st.uuids().map(str),
        mostly("request-1", st.just("request-0")),
    ),
    max_size=6,
)
NOWS: Final = st.sampled_from([0, 4, 5, 6, 19, 20, 21, 60]).map(after)  # about the two time-outs


Retelling: TypeAlias = tuple[str, datetime | None]


def names(ref: SubjectRef, who: Subject) -> bool:
    return ref.name != "" and (ref.name == who.username if ref.kind == SubjectKind.USER else ref.name in who.groups)


def is_about(policy: Policy, who: Subject, target: Target) -> bool:
    stated = policy.targets
    wanted = []
    if stated.namespaces:
        wanted.append(target.ref.namespace in stated.namespaces)
    if stated.names:
        wanted.append(target.ref.name in stated.names)
    wanted += [key in target.labels and target.labels[key] == value for key, value in stated.labels.items()]
    if policy.defect is not None and 0 in (len(policy.subjects), len(wanted)):
        return True  # it can't be told whom it was meant to stop
    return [names(ref, who) for ref in policy.subjects].count(True) > 0 < len(wanted) == sum(wanted)


def matching(target: Target, policies: Sequence[Policy], request: Request) -> list[Policy]:
    in_order = sorted(policies, key=lambda each: f"{each.priority:04}{each.name}")
    return [each for each in in_order if is_about(each, request.requester, target)]


def replay(policy: Policy, request: Request, reviews: Sequence[Review]) -> Retelling:
    """Live through the reviews second by second: stopped, denied, or approved at some time, or not."""
    terms, me = policy.approval, request.requester.username.lower()
    approved_at = request.created_at if terms.required == 0 else None
    approvers, has_denial = set[str](), False
    for second in range(26):
        made = [each for each in reviews if each.created_at == after(second) and each.request_uid == "request-1"]
        entitled = [each for each in made if any(names(ref, each.reviewer) for ref in terms.approvers)]
        may_stop = [*entitled, *(each for each in made if each.reviewer.username == request.requester.username)]
        if not has_denial and any(each.decision == "Revoke" for each in may_stop):
            return "Stopped", None
        if timedelta(seconds=second) >= terms.timeout or approved_at is not None or has_denial:
            continue
        entitled = [each for each in entitled if each.reviewer.username.lower() != me]
        has_denial = any(each.decision == "Deny" for each in entitled)
        approvers |= {each.reviewer.username.lower() for each in entitled if each.decision == "Approve"}
        if not has_denial and len(approvers) >= terms.required > 0:
            approved_at = after(second)
    return ("Denied" if has_denial else "Lived"), approved_at


def retold(
    target: Target | None, policies: Sequence[Policy], request: Request, reviews: Sequence[Review], now: datetime
) -> Retelling:
    """Tell the rules once more: what is ruled, and when the window starts if it is permitted."""
    if target is None or target.ref.namespace != "shop":
        return "Denied", None
    if not matching(target, policies, request):
        return "Denied", None
    policy = matching(target, policies, request)[0]
    ending, approved_at = replay(policy, request, reviews)
    if ending == "Stopped":
        return ending, None
    terms = policy.approval
    can_be_approved = terms.required == 0 or (terms.required > 0 and len(terms.approvers) > 0)
    is_fine = policy.defect is None and not isinstance(target.readiness, NotReady) and can_be_approved
    if not is_fine or ending == "Denied" or not seconds(0) < (request.duration or seconds(0)) <= policy.max_duration:
        return "Denied", None
    if approved_at is not None:
        return ("Permitted" if target.readiness else "Unexamined"), approved_at
    return ("Awaiting" if now - request.created_at < terms.timeout else "TimedOut"), None


def told(ruling: Ruling) -> Retelling:
    match ruling:
        case (Permitted() as permitted) | Unexamined(permitted=permitted):
            return type(ruling).__name__, permitted.window.not_before
        case Denied() | Awaiting() | TimedOut() | Stopped():
            return type(ruling).__name__, None


@settings(max_examples=600)
@given(target=st.none() | TARGETS, policies=POLICIES, request=REQUESTS, reviews=REVIEWS, now=NOWS)
def test_the_decision_is_what_a_plain_retelling_says(
    *, target: Target | None, policies: list[Policy], request: Request, reviews: list[Review], now: datetime
) -> None:
    decision = decided(target, policies, request, reviews, now)

    assert told(decision.ruling) == retold(target, policies, request, reviews, now)
    if target is not None and decision.policy is not None:
        assert decision.policy == matching(target, policies, request)[0].name
    assert decision.reasons[-1].isprintable()


@given(target=TARGETS, policies=POLICIES, request=REQUESTS, reviews=REVIEWS, now=NOWS, seed=st.integers())
def test_the_order_in_which_facts_arrive_changes_nothing(
    *, target: Target, policies: list[Policy], request: Request, reviews: list[Review], now: datetime, seed: int
) -> None:
    shuffle = random.Random(seed).sample  # noqa: S311  an order, not a secret

    one = decided(target, policies, request, reviews, now)
    other = decided(target, shuffle(policies, len(policies)), request, shuffle(reviews, len(reviews)), now)

    assert one == other


@given(target=TARGETS, policies=POLICIES, request=REQUESTS, reviews=REVIEWS, now=NOWS)
def test_what_is_permitted_never_exceeds_cap_wish_or_ceiling(
    *, target: Target, policies: list[Policy], request: Request, reviews: list[Review], now: datetime
) -> None:
    decision = decided(target, policies, request, reviews, now)
    if not isinstance(decision.ruling, Permitted):
        return
    policy = next(each for each in policies if each.name == decision.policy)

    assert decision.ruling.window.duration <= min(policy.max_duration, request.duration or policy.max_duration)
    assert decision.ruling.scope.within(target.ceiling)
    assert len({name.lower() for name in decision.ruling.approved_by}) == len(decision.ruling.approved_by)
    assert request.requester.username not in decision.ruling.approved_by


@given(target=TARGETS, policies=POLICIES, request=REQUESTS, reviews=REVIEWS, early=NOWS, late=NOWS)
def test_time_alone_only_ever_ends_the_waiting(
    *, target: Target, policies: list[Policy], request: Request, reviews: list[Review], early: datetime, late: datetime
) -> None:
    early, late = sorted((early, late))
    before, afterwards = (decided(target, policies, request, reviews, now).ruling for now in (early, late))

    assert before == afterwards or (isinstance(before, Awaiting) and afterwards == TimedOut(before.until))


@given(target=TARGETS, policies=POLICIES, request=REQUESTS, reviews=REVIEWS, now=NOWS, more=REVIEWS)
def test_a_review_that_does_not_count_could_as_well_not_be_there(
    *,
    target: Target,
    policies: list[Policy],
    request: Request,
    reviews: list[Review],
    now: datetime,
    more: list[Review],
) -> None:
    decision = decided(target, policies, request, [*reviews, *more], now)
    counted = [judged.review for judged in decision.reviews if judged.counts]

    assert decided(target, policies, request, counted, now).ruling == decision.ruling
    assert {judged.review.uid for judged in decision.reviews} == {
        review.uid for review in (*reviews, *more) if review.request_uid == "request-1"
    }
