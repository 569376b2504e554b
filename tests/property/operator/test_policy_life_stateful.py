"""The operator while policies are edited under it: requests, reviews, edits, clocks put wrong, crashes and outages.

Invariants 4, 5, 7 and 10 after each step. What is permitted is told by `policy_facts`, which reads nothing but objects.
"""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.property.operator import policy_world as world
from tests.property.operator.policy_life import PolicyLife

WHICH: Final = (0, 0, 1, 2, 3)
TARGETS: Final = ("orders", "orders", "stock")
FIELDS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"durationSeconds": 300},
    {"durationSeconds": 900, "paths": ["/a"]},
    {"durationSeconds": 1800},
    {"durationSeconds": 300, "startTime": 120.0},
    {"startTime": 1200.0, "endTime": 1500.0},
    {"durationSeconds": 900, "endTime": 400.0},
    {"durationSeconds": 900, "methods": ["GET"]},
    {"durationSeconds": 7200},
)
GLASS: Final[tuple[dict[str, Any], ...]] = (
    {"breakGlass": True, "durationSeconds": 300},
    {"breakGlass": True},
)
NARROWED: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {"durationSeconds": 120},
    {"paths": ["/a"], "methods": ["GET"]},
    {"startTime": 300.0},
)

TIGHTENINGS: Final = (
    *("cap 300", "default 600", "sum 1800", "only /a", "sources 10/8", "sources 10.1/16", "mornings", "afternoons"),
    *("two approvers", "bosses approve", "not ahead"),
)

Choices = tuple[str, tuple[Sequence[Any], ...]]
STEPS: Final[tuple[Choices, ...]] = (
    *[("ask", (world.REQUESTERS, TARGETS, FIELDS))] * 4,
    *[("ask_and_approve", (world.REQUESTERS, TARGETS, FIELDS))] * 6,
    *[("ask", ((world.DANA, world.OLGA, world.ALICE, world.AMY), TARGETS, GLASS))] * 2,
    ("ask", ((world.ALICE, world.ALICE, world.ALICE_ELSEWHERE), TARGETS, FIELDS)),
    ("ask_twice_at_once", ((world.AMY,), TARGETS, ("one at a time", "one on each"))),
    *[("extend", (WHICH, (300, 900, 1800), (True, True, True, False)))] * 3,
    ("extend_twice", ((world.AMY,), TARGETS, (300, 300, 900))),
    *[("approve", (WHICH, NARROWED))] * 5,
    ("review", (WHICH, world.REVIEWERS, ("Approve", "Approve", "Deny", "Revoke"), NARROWED)),
    ("approve_as_one_of_two_names", (WHICH,)),
    ("give_back", (WHICH,)),
    *[("edit_policy", (("dev", "dev", "auto", "careful"), tuple(world.CHANGES)))] * 4,
    *[("edit_policy", (("dev", "auto"), TIGHTENINGS))] * 3,
    ("delete_or_make_policy", (tuple(world.POLICIES),)),
    ("edit_target", (TARGETS, tuple(world.TARGET_CHANGES))),
    ("delete_or_make_target", (("stock", "orders"),)),
    *[("put_right", ((True, True, False),))] * 5,
    ("stop_a_grant", (WHICH,)),
    ("pass_time", ((0.4, 5, 61, 301),)),
    *[("pass_time_until_about", (("start", "end", "review"), (-0.5, 0, 0.5)))] * 2,
    ("put_the_clock", ((-600, -65, 65, 600, 2 * 86_400),)),
    ("stop_or_start_the_operator", ()),
    *[("arm_a_crash", (tuple(range(16)),))] * 2,
    ("arm_an_outage", (tuple(range(12)),)),
    ("stop_or_start_the_ledger", ()),
)
"""What can be done; as often as it stands here."""


class PolicyLifeMachine(RuleBasedStateMachine):
    """One step after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.life = PolicyLife()

    def teardown(self) -> None:
        self.life.end()

    @initialize()
    def begin(self) -> None:
        self.life.begin()

    @rule(step=st.one_of(*(st.tuples(st.just(name), st.tuples(*map(st.sampled_from, each))) for name, each in STEPS)))
    def take(self, step: tuple[str, tuple[Any, ...]]) -> None:
        self.life.take(step)


PolicyLifeMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestPoliciesAreEditedWhileAccessIsOpen = PolicyLifeMachine.TestCase

WALKS: Final = 24
HAPPENS: Final = {
    *("opened with approvals", "opened as scheduled", "opened as narrowed by an approver", "broke the glass"),
    *("opened an extension", "took over", "replaced by less", "grant.narrowed", "removed a request"),
    *("break_glass.overdue", "break_glass.reviewed", "request.scheduled", "grant.active", "host.hidden"),
    *("closed as Expired", "closed as Revoked", "closed as Withdrawn", "closed as TargetGone"),
    *("closed as ApprovalTimedOut", "closed as Denied"),
    *(
        "denied: break_glass_impossible",
        "denied: duration_over_cap",
        "denied: extension_impossible",
        "denied: extension_over_sum",
    ),
    *("denied: groups_changed", "denied: limit_reached", "denied: no_policy", "denied: outside_schedule"),
    *("denied: policy_defective", "denied: policy_denies", "denied: start_too_far", "denied: target_unknown"),
}
"""What some walk or other has to come past, or else the machine shows nothing about it."""


def walk(seed: int, steps: int) -> Counter[str]:
    """Take random steps and return how often which interesting thing happened."""
    chance = random.Random(seed)  # noqa: S311  no secret
    life = PolicyLife()
    life.begin()
    try:
        for _ in range(steps):
            name, choices = chance.choice(STEPS)
            life.take((name, tuple(chance.choice(each) for each in choices)))
    finally:
        life.end()
    return life.watchers.seen


def test_the_walks_come_past_everything_that_the_machine_is_about() -> None:
    seen: Counter[str] = Counter()
    for seed in range(WALKS):
        seen += walk(seed, 50)

    assert seen.keys() >= HAPPENS, sorted(HAPPENS - seen.keys())
