"""What is known of one request, with defaults that tell the story of `tests.builders`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jitgress.domain.policy import Policy, PolicyList
from jitgress.domain.review import Review
from jitgress.domain.target import Target
from jitgress.operator.requests.decide import Plan, next_plan, with_recorded
from jitgress.operator.requests.facts import Facts, GrantSight
from tests.builders import a_grant, a_policy, a_request, a_situation, a_target


def some_facts(
    *reviews: Review,
    policies: Iterable[Policy] | None = None,
    target: Target | None = None,
    status: Mapping[str, Any] | None = None,
    review_statuses: Mapping[str, Mapping[str, Any]] | None = None,
) -> Facts:
    return Facts(
        request=a_request(),
        generation=1,
        target=target or a_target(),
        policies=PolicyList((a_policy(),) if policies is None else tuple(policies)),
        situation=a_situation(),
        reviews=reviews,
        history=(),
        sight=None,
        was_created=False,
        status=status or {},
        review_statuses=review_statuses or {},
    )


def settled(facts: Facts, now: datetime) -> tuple[Facts, Plan]:
    """Return the facts and the plan once everything that happened by `now` is recorded."""
    plan = next_plan(facts, now)
    while plan.events:
        facts = with_recorded(facts, plan.events)
        plan = next_plan(facts, now)
    return facts, plan


def a_sight(*, is_probed: bool = False, failure: str | None = None) -> GrantSight:
    """Return the grant as it stands in the API."""
    return GrantSight(grant=a_grant(), resource_version="7", uid="object-1", is_probed=is_probed, failure=failure)
