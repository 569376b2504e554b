"""Invariants 4 and 10: what is open only ever becomes less, a chain never passes its sum, and order is nothing.

A grant is opened in one world; then the world changes again and again, and each time it is asked what becomes of it.
"""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.domain.course import Close, Course, Open, Recorded
from jitgress.domain.decide import decide
from jitgress.domain.grant import Grant
from jitgress.domain.policy import Policy, PolicyList
from jitgress.domain.policy_index import PolicyIndex
from jitgress.domain.review import Review
from jitgress.domain.ruling import Permitted
from jitgress.domain.situation import Extended, Situation
from jitgress.domain.sources import ANYWHERE
from jitgress.domain.target import NotReady, Ready, Target
from jitgress.domain.terms import Extensions
from tests.builders import (
    ADDRESS,
    NOW,
    a_grant,
    a_policy,
    a_request,
    a_review,
    a_schedule,
    a_target,
    after,
    an_approval,
    decided,
    minutes,
    seconds,
)
from tests.property.domain.worlds import (
    CEILINGS,
    NOWS,
    OFFICE,
    POLICIES,
    RESTRICTIONS,
    REVIEWS,
    TARGETS,
    WORLDS,
    World,
    mostly,
    permitted_by,
)

PROBES: Final = [
    (method, path) for method in ("GET", "POST", "PUT") for path in ("/", "/api", "/api/v1", "/app", "/lab")
]
ADDRESSES: Final = ("192.0.2.7", "192.0.2.8", "198.51.100.1", "2001:db8::1", "2001:db9::1")


@dataclass(frozen=True, slots=True)
class Edit:
    """Something that somebody does while a grant is open, or time that passes: whatever is given takes effect."""

    policy: Policy | None = None
    terms: Policy | None = None
    """All of a policy but whom it asks."""
    restriction: str | None = None
    target: Target | None = None
    more_reviews: tuple[Review, ...] = ()
    now: datetime | None = None

    def applied(self, world: World) -> World:
        policy = self.policy or world.policy
        policy = replace(self.terms, approval=policy.approval) if self.terms else policy
        return replace(
            world,
            policy=RESTRICTIONS[self.restriction](policy) if self.restriction else policy,
            target=self.target or world.target,
            reviews=world.reviews + self.more_reviews,
            now=self.now or world.now,
        )


EDITS: Final = st.lists(
    st.builds(Edit, policy=POLICIES)
    | st.builds(Edit, terms=POLICIES)
    | st.builds(Edit, terms=POLICIES)
    | st.builds(Edit, restriction=st.sampled_from(sorted(RESTRICTIONS)))
    | st.builds(Edit, target=TARGETS | st.builds(a_target, ceiling=CEILINGS))
    | st.builds(Edit, more_reviews=REVIEWS)
    | st.builds(Edit, now=NOWS),
    min_size=1,
    max_size=6,
)

OPENING: Final = st.builds(
    World,
    target=st.just(a_target()),
    policy=st.builds(
        a_policy,
        name=st.just("first"),
        approval=mostly(an_approval(automatic=True), an_approval(1)),
        sources=mostly(ANYWHERE, OFFICE),
    ),
    request=st.builds(a_request, duration=mostly(minutes(30), None), paths=mostly((), ("/api/v1", "/app"))),
    reviews=st.just((a_review(),)),
    answers=st.just(()),
    now=mostly(after(90), after(400)),
)
"""Worlds in which something is open, to begin with."""


def what_it_lets(grant: Grant) -> set[tuple[str, str, str]]:
    """Return what the grant lets pass, request by request, from where to where."""
    return {
        (method, path, address)
        for method, path in PROBES
        for address in ADDRESSES
        if grant.scope.permits(method, path) and grant.sources.permits(address)
    }


def lives(world: World, edits: list[Edit]) -> list[Course]:
    """Return what becomes of the request, step by step, each recorded before the next."""
    recorded, ways = Recorded(), list[Course]()
    for edit in (Edit(), *edits):
        world = edit.applied(world)
        way = world.course(recorded)
        ways.append(way)
        match way:
            case Open(grant=grant):
                recorded = replace(recorded, opened=grant)
            case Close():
                recorded = replace(recorded, closed=way)
            case _:
                pass
    return ways


@settings(max_examples=1000)
@given(world=OPENING | WORLDS, edits=EDITS)
def test_what_is_open_only_ever_becomes_less(*, world: World, edits: list[Edit]) -> None:
    ways = lives(world, edits)

    for before, later in pairwise(ways):
        if isinstance(before, Close):
            assert later == before, "what is closed stays closed"
        if isinstance(before, Open):
            assert isinstance(later, (Open, Close)), "what was opened is open or closed"
        if isinstance(before, Open) and isinstance(later, Open):
            one, other = before.grant, later.grant
            assert other.window.not_before == one.window.not_before
            assert other.window.not_after <= one.window.not_after
            assert what_it_lets(other) <= what_it_lets(one)
            kept = replace(other, scope=one.scope, window=one.window, sources=one.sources)
            assert kept == one, "all else stays as it was recorded"


@settings(max_examples=1000)
@given(world=OPENING | WORLDS, edits=EDITS)
def test_what_stays_open_is_never_more_than_is_permitted_now(*, world: World, edits: list[Edit]) -> None:
    way, recorded = world.course(Recorded()), Recorded()
    for edit in edits:
        if not isinstance(way, Open):
            return
        recorded = replace(recorded, opened=way.grant)
        world = edit.applied(world)
        way = world.course(recorded)
        if isinstance(way, Open):
            permitted = permitted_by(world.decision(is_opened=True))
            assert permitted is not None
            assert way.grant.window.not_after <= permitted.window.not_after
            assert way.grant.window.contains(world.now) or world.now < way.grant.window.not_before
            assert way.grant.scope.within(world.target.ceiling)
            assert way.grant.sources.within(world.policy.sources)


@settings(max_examples=300)
@given(world=WORLDS, later=st.integers(0, 4000), readiness=st.sampled_from([Ready(ADDRESS), None]))
def test_time_alone_leaves_a_grant_as_it_is_until_its_end(
    *, world: World, later: int, readiness: Ready | NotReady | None
) -> None:
    way = world.course(Recorded())
    if not isinstance(way, Open):
        return
    now = world.now + seconds(later)
    afterwards = replace(world, target=replace(world.target, readiness=readiness), now=now)

    then = afterwards.course(Recorded(way.grant))

    assert isinstance(then, Close) if now >= way.grant.window.not_after else then == way


@settings(max_examples=400)
@given(world=WORLDS, others=st.lists(POLICIES, max_size=3), seed=st.integers())
def test_the_order_of_policies_and_reviews_is_nothing(*, world: World, others: list[Policy], seed: int) -> None:
    named = [replace(each, name=f"other-{number}", priority=number) for number, each in enumerate(others, 99)]
    policies, shuffle = (world.policy, *named), random.Random(seed).sample  # noqa: S311  an order, not a secret
    situation = Situation(answers=world.answers)

    decisions = [
        decide(world.target, known, world.request, reviews, situation=situation, now=world.now)
        for known, reviews in (
            (PolicyList(policies), world.reviews),
            (PolicyList(policies), world.reviews),
            (PolicyIndex(shuffle(policies, len(policies))), shuffle(world.reviews, len(world.reviews))),
        )
    ]

    assert decisions[0] == decisions[1] == decisions[2]


# Chains of extensions.

LINKS: Final = st.lists(
    st.tuples(
        st.sampled_from([5, 20, 30, 60]),  # minutes asked for
        st.sampled_from([0.1, 0.5, 0.9, 0.999, 1]),  # when, as a part of what is open
        st.sampled_from([None, None, None, 0.3, 0.7]),  # to where it was narrowed before, as such a part
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=500)
@given(
    links=LINKS,
    most=st.integers(0, 5),
    total=st.sampled_from([30, 75, 120, 999]).map(minutes),
    cap=st.sampled_from([20, 60]).map(minutes),
    closes=st.sampled_from([None, "10:50", "11:40"]),
)
def test_a_chain_of_extensions_has_no_gap_and_never_passes_its_sum(
    *,
    links: list[tuple[int, float, float | None]],
    most: int,
    total: timedelta,
    cap: timedelta,
    closes: str | None,
) -> None:
    policy = a_policy(
        approval=an_approval(automatic=True),
        max_duration=cap,
        extensions=Extensions(most, total),
        schedule=a_schedule("10:00", closes) if closes else None,
    )
    last = a_grant(window=a_grant().window, since=NOW)
    length = 0
    for asked, part, narrowed_to in links:
        if narrowed_to is not None and last.window.duration > minutes(1):  # there are no windows below a millisecond
            window = replace(last.window, not_after=last.window.not_before + last.window.duration * narrowed_to)
            last = replace(last, window=window)
        at = last.window.not_before + last.window.duration * part
        request = a_request(duration=minutes(asked), created_at=at, extends=last.request)

        ruling = decided(a_target(), [policy], request, [], at, extended=Extended(last, is_over=False)).ruling

        if not isinstance(ruling, Permitted):
            continue
        length += 1
        window = ruling.window
        assert length <= most
        assert ruling.extensions == length
        assert ruling.since == NOW
        assert window.not_before < last.window.not_after, "there is a gap"
        assert window.not_after <= NOW + total, "longer in all than the policy permits"
        assert window.not_after - last.window.not_after <= min(cap, minutes(asked))
        assert closes is None or window.not_after <= NOW.replace(hour=int(closes[:2]), minute=int(closes[3:]))
        last = replace(last, window=window, since=ruling.since, extensions=ruling.extensions)
