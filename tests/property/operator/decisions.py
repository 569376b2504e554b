"""Invariant 10: every decision that the operator makes is made again, from the same inputs in another order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from jitgress.crds.policies import policy_or_defect
from jitgress.domain.decide import decide
from jitgress.domain.policy import Policies, PolicyList
from jitgress.domain.request import Request
from jitgress.domain.review import Review
from jitgress.domain.ruling import Decision
from jitgress.domain.situation import Situation
from jitgress.domain.target import Target
from jitgress.operator.requests import decide as planning
from tests.property.operator.policy_book import PolicyBook

_USED: Final = decide.__name__
"""Under this name the operator's planning uses the decision core."""


@dataclass(frozen=True, slots=True)
class Made:
    """One decision and what it was made from. `stored` are the policies, if it is certain which ones were known."""

    decision: Decision
    inputs: tuple[Target | None, Policies, Request, tuple[Review, ...], Situation, datetime]
    stored: tuple[Any, ...] | None


@dataclass(slots=True)
class Decisions:
    """Takes note of each decision between `watch` and `forget`."""

    book: PolicyBook
    made: list[Made] = field(default_factory=list)
    number: int = 0

    def watch(self) -> None:
        setattr(planning, _USED, self._decide)

    def forget(self) -> None:
        setattr(planning, _USED, decide)

    def wrong(self) -> list[str]:
        """Make each decision since the last time again, and say which ones come out otherwise."""
        made, self.made = self.made, []
        self.number += len(made)
        return [f"{each.decision} is {again}" for each in made for again in _again(each) if again != each.decision]

    def _decide(
        self,
        target: Target | None,
        policies: Policies,
        request: Request,
        reviews: Iterable[Review],
        *,
        situation: Situation,
        now: datetime,
    ) -> Decision:
        kept = tuple(reviews)
        decision = decide(target, policies, request, kept, situation=situation, now=now)
        states = self.book.possible()
        stored = states[0].policies if len(states) == 1 else None
        self.made.append(Made(decision, (target, policies, request, kept, situation, now), stored))
        return decision


def _again(made: Made) -> list[Decision]:
    target, policies, request, reviews, situation, now = made.inputs
    turned = reviews[::-1]
    found = [decide(target, policies, request, each, situation=situation, now=now) for each in (reviews, turned)]
    if made.stored is not None:
        others = PolicyList(tuple(policy_or_defect(each) for each in reversed(made.stored)))
        found.append(decide(target, others, request, turned, situation=situation, now=now))
    return found
