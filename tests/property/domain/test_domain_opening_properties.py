"""Invariant 4: what opens is the least of all that bounds it, told once more from the facts, and never more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from jitgress.domain.policy import Policy
from jitgress.domain.review import Review
from jitgress.domain.ruling import Permitted
from jitgress.domain.schedule import Schedule
from tests.builders import a_policy, a_request, a_schedule, a_target, an_approval, decided, minutes
from tests.property.domain.worlds import BY_PEOPLE, RESTRICTIONS, WORLDS, World, permitted_by

PROBES: Final = [
    (method, path) for method in ("GET", "POST", "PUT") for path in ("/", "/api", "/api/v1", "/app", "/lab")
]
TICK: Final = timedelta(milliseconds=1)


def is_below(path: str, prefixes: Sequence[str]) -> bool:
    """Tell whether `path` is one of `prefixes` or below it; without any everything is."""
    return not prefixes or any(f"{path}/".startswith(f"{prefix.rstrip('/')}/") for prefix in prefixes)


def is_open_on_the_wall(schedule: Schedule, at: datetime) -> bool:
    """Read the clock on the wall, day and minute. Spans over midnight aren't drawn here."""
    shown = at.astimezone(ZoneInfo(schedule.zone))
    minute = shown.hour * 60 + shown.minute
    return any(
        shown.strftime("%a") in span.days and span.begins.minutes <= minute < span.ends.minutes
        for span in schedule.spans
    )


def who_counted(world: World) -> list[Review]:
    """Return the approvals that were asked for and counted."""
    if world.request.break_glass:
        return []
    judged = world.decision().reviews
    return [each.review for each in judged if each.counts and each.review.decision == "Approve"]


def all_bounds(world: World, start: datetime, counted: Sequence[Review]) -> list[datetime]:
    """Return every moment at which the window must be over at the latest."""
    policy, request = world.policy, world.request
    glass = policy.break_glass if request.break_glass else None
    cap = glass.max_duration if glass is not None else policy.max_duration
    wish = request.duration if request.duration is not None else min(cap, policy.default_duration or cap)
    lengths = [cap, wish, *(each.narrowing.duration for each in counted)]
    bounds = [start + length for length in lengths if length is not None]
    bounds += [request.end_at] if request.end_at else []
    is_answered = policy.approval.webhook and (counted or not policy.approval.quorums) and not request.break_glass
    if is_answered and permitted_without_answer(world) is None:
        bounds += [each.not_after for each in world.answers[:1] if each.not_after]
    if policy.schedule is not None and glass is None:
        minute_by_minute = (start.replace(second=0) + minutes(number) for number in range(200))
        bounds.append(
            next(at for at in minute_by_minute if at > start and not is_open_on_the_wall(policy.schedule, at))
        )
    return bounds


def permitted_without_answer(world: World) -> Permitted | None:
    """Return what is permitted if the external system says nothing: on an occasion it isn't asked."""
    return permitted_by(world.decision(answers=()))


@settings(max_examples=500)
@given(world=WORLDS)
def test_what_is_permitted_is_the_least_of_all_bounds(world: World) -> None:
    permitted = permitted_by(world.decision())
    if permitted is None:
        return
    counted = who_counted(world)

    starts = [world.request.created_at, *(each.created_at for each in counted)]
    starts += [each.narrowing.start_at for each in counted if each.narrowing.start_at]
    starts += [world.request.start_at] if world.request.start_at else []
    if world.policy.approval.webhook and permitted_without_answer(world) is None:
        starts.append(world.answers[0].at)
    start = max(starts)
    assert permitted.window.not_before == start
    assert permitted.window.not_after == min(all_bounds(world, start, counted))
    if world.policy.schedule is not None and not world.request.break_glass:
        assert is_open_on_the_wall(world.policy.schedule, start)


@settings(max_examples=500)
@given(world=WORLDS)
def test_a_path_is_open_if_and_only_if_everybody_lets_it(world: World) -> None:
    permitted = permitted_by(world.decision())
    if permitted is None:
        return
    narrowed = [each.narrowing for each in who_counted(world)]
    ceilings = [world.target.ceiling, *([world.policy.ceiling] if world.policy.ceiling else [])]

    for method, path in PROBES:
        is_asked = not world.request.methods or method in world.request.methods
        is_left = all(not each.methods or method in each.methods for each in narrowed)
        paths = [world.request.paths, *(each.paths for each in narrowed), *(each.paths for each in ceilings)]
        lets = is_asked and is_left and all(method in each.methods for each in ceilings)
        assert permitted.scope.permits(method, path) is (lets and all(is_below(path, each) for each in paths))
    assert permitted.sources == world.policy.sources


@given(
    change=st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]),
    offset=st.integers(-150, 150).map(minutes),
    hours=st.sampled_from([("01:00", "03:00"), ("02:00", "04:00"), ("02:15", "02:45"), ("00:00", "24:00")]),
    duration=st.integers(1, 300).map(minutes),
)
def test_nothing_is_open_outside_the_hours_where_clocks_are_changed(
    *, change: datetime, offset: timedelta, hours: tuple[str, str], duration: timedelta
) -> None:
    schedule = a_schedule(*hours, zone="Europe/Berlin")
    policy = a_policy(approval=an_approval(automatic=True), schedule=schedule, max_duration=timedelta(hours=5))

    permitted = permitted_by(decided(a_target(), [policy], a_request(created_at=change + offset, duration=duration)))

    if permitted is not None:
        at = permitted.window.not_before
        while at < permitted.window.not_after:
            assert is_open_on_the_wall(schedule, at)
            at += minutes(1)


@settings(max_examples=800)
@given(world=WORLDS, restriction=st.sampled_from(sorted(RESTRICTIONS)), is_opened=st.booleans())
def test_one_more_restriction_never_permits_more(*, world: World, restriction: str, is_opened: bool) -> None:
    before = permitted_by(world.decision(is_opened=is_opened))
    after_it = permitted_by(world.decision(RESTRICTIONS[restriction](world.policy), is_opened=is_opened))

    if after_it is not None:
        assert before is not None
        assert after_it.window.within(before.window)
        assert after_it.scope.within(before.scope)
        assert after_it.sources.within(before.sources)


@settings(max_examples=800)
@given(world=WORLDS, restriction=st.sampled_from(sorted(BY_PEOPLE)))
def test_who_asks_more_of_approvers_never_gets_more(*, world: World, restriction: str) -> None:
    policy = world.policy
    stricter = _with_approval(policy, restriction)
    before, after_it = permitted_by(world.decision()), permitted_by(world.decision(stricter))

    if after_it is not None:
        assert before is not None
        assert after_it.window.not_before >= before.window.not_before
        assert after_it.window.duration <= before.window.duration
        assert after_it.scope.within(before.scope)


def _with_approval(policy: Policy, restriction: str) -> Policy:
    return replace(policy, approval=BY_PEOPLE[restriction](policy.approval))


@given(world=WORLDS, later=st.integers(0, 4000))
def test_time_that_passes_changes_nothing_of_what_was_permitted(*, world: World, later: int) -> None:
    permitted = permitted_by(world.decision())
    afterwards = replace(world, now=world.now + timedelta(seconds=later))

    assert permitted is None or permitted_by(afterwards.decision(is_opened=True)) == permitted
