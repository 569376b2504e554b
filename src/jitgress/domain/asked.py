"""One request beside its target, its deciding policy and its situation, and what follows from them together."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jitgress.domain.approval import Occasion
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.expression import Circumstances
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.scope import Scope
from jitgress.domain.situation import Extended, Situation
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
        """The most that target and policy, and what is extended, permit together, or None where they share nothing."""
        most: Scope | None = self.target.ceiling
        others = (self.policy.ceiling, None if self.extended is None else self.extended.grant.scope)
        for other in others:
            most = most if most is None or other is None else most.meet(other)
        return most

    @property
    def extended(self) -> Extended | None:
        """What the request extends, if it says so and that is known."""
        return self.situation.extended if self.request.extends is not None else None

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

    def circumstances(self, opens_at: datetime) -> Circumstances:
        """Return what the policy's expressions look at. Raises `InvalidValueError` where nothing would be given."""
        scope = self.scope()
        if scope is None:
            raise InvalidValueError("nothing of what is asked for is permitted", remedy="Ask for less.")
        before = timedelta(0) if self.extended is None else self.extended.grant.window.not_after - opens_at
        duration = before + self.duration
        return Circumstances(self.request.requester, self.target, self.request, opens_at, duration, scope)

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
            return occasion.expression is None or occasion.expression.holds(
                self.circumstances(self.request.earliest_start)
            )
        except InvalidValueError:
            return False
