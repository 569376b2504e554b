"""One request beside its target, its deciding policy and its situation, and what follows from them together."""

from dataclasses import dataclass
from datetime import timedelta

from jitgress.domain.approval import Occasion
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.scope import Scope
from jitgress.domain.situation import Situation
from jitgress.domain.subject import any_names
from jitgress.domain.target import Target


@dataclass(frozen=True, slots=True)
class Asked:
    """One request with the target that it names and the policy that decides about it."""

    request: Request
    target: Target
    policy: Policy
    situation: Situation

    @property
    def most(self) -> Scope | None:
        """The most that target and policy permit together, or None where they share nothing."""
        if self.policy.ceiling is None:
            return self.target.ceiling
        return self.target.ceiling.meet(self.policy.ceiling)

    def scope(self) -> Scope | None:
        """Return the scope that is asked for, or None where it would be empty.

        What the request leaves open is the most that is permitted. Of what is open that much stays which is still
        permitted. Raises `InvalidValueError` if it is malformed.
        """
        most = self.most
        if most is None:
            return None
        scope = Scope.of(self.request.paths or most.paths, self.request.methods or most.methods)
        return scope.meet(most) if self.situation.is_opened else scope

    @property
    def cap(self) -> timedelta:
        """The longest window that the policy permits for such a request."""
        if self.request.break_glass and self.policy.break_glass is not None:
            return self.policy.break_glass.max_duration
        return self.policy.max_duration

    @property
    def duration(self) -> timedelta:
        """How long access is asked for, or else the policy's default. What is open lasts no longer than the cap."""
        if self.request.duration is None:
            return min(self.policy.default_duration or self.cap, self.cap)
        return min(self.request.duration, self.cap) if self.situation.is_opened else self.request.duration

    @property
    def circumstances(self) -> Circumstances:
        """What the policy's expressions look at."""
        return Circumstances(self.request.requester, self.target, self.request, self.request.earliest_start)

    def opens_unasked(self) -> bool:
        """Tell whether nobody need approve: by policy, on the occasion that it states, or as the glass is broken."""
        approval = self.policy.approval
        if self.request.break_glass or approval.is_automatic:
            return True
        return approval.automatic_while is not None and self._is(approval.automatic_while)

    def _is(self, occasion: Occasion) -> bool:
        """Tell whether the occasion is there when access would begin. One that can't be evaluated isn't."""
        if not occasion.is_stated:
            return False
        if occasion.subjects and not any_names(occasion.subjects, self.request.requester):
            return False
        if occasion.schedule is not None and not occasion.schedule.is_open(self.request.earliest_start):
            return False
        try:
            return occasion.expression is None or occasion.expression.holds(self.circumstances)
        except InvalidValueError:
            return False
