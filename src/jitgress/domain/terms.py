"""The checks of a request against its target and its deciding policy, in order: the first denial stands.

Invariant 4: no window exceeds its policy's cap.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from jitgress.domain.denial import Denial, DenialCode
from jitgress.domain.errors import InvalidValueError
from jitgress.domain.phrasing import describe_duration, plain
from jitgress.domain.policy import Policy
from jitgress.domain.request import Request
from jitgress.domain.scope import Scope
from jitgress.domain.target import NotReady, Target


@dataclass(frozen=True, slots=True)
class Asked:
    """One request with the target that it names and the policy that decides about it."""

    request: Request
    target: Target
    policy: Policy

    @property
    def most(self) -> Scope | None:
        """The most that target and policy permit together, or None where they share nothing."""
        if self.policy.ceiling is None:
            return self.target.ceiling
        return self.target.ceiling.meet(self.policy.ceiling)

    def scope(self) -> Scope | None:
        """Return the scope that is asked for, or None where it would be empty.

        What the request leaves open is the most that is permitted. Raises `InvalidValueError` if it is malformed.
        """
        most = self.most
        if most is None:
            return None
        return Scope.of(self.request.paths or most.paths, self.request.methods or most.methods)


def policy_is_understood(asked: Asked) -> Denial | None:
    """A policy that can't be understood permits nothing."""
    if asked.policy.defect is None:
        return None
    return Denial(
        DenialCode.POLICY_DEFECTIVE,
        f"policy {asked.policy.name} can't be understood: {asked.policy.defect}",
        "Ask the platform team to mend it.",
    )


def target_is_ready(asked: Asked) -> Denial | None:
    """A target that isn't Ready can't be opened."""
    match asked.target.readiness:
        case NotReady(message=message):
            return Denial(
                DenialCode.TARGET_NOT_READY,
                f"target {asked.target.ref} is not ready: {message}",
                "Ask its owner to mend it, then ask again.",
            )
        case _:
            return None


def reason_is_given(asked: Asked) -> Denial | None:
    """Every request says what it is for."""
    if plain(asked.request.reason):
        return None
    return Denial(DenialCode.REASON_MISSING, "the request gives no reason", "Ask again and say what for.")


def duration_within_cap(asked: Asked) -> Denial | None:
    """A window has a length, and is never longer than the policy's cap."""
    if timedelta(0) < asked.request.duration <= asked.policy.max_duration:
        return None
    duration, cap = describe_duration(asked.request.duration), describe_duration(asked.policy.max_duration)
    return Denial(
        DenialCode.DURATION_OVER_CAP,
        f"asked for {duration}, policy {asked.policy.name} permits up to {cap}",
        f"Ask for 1 s to {cap}.",
    )


def scope_is_well_formed(asked: Asked) -> Denial | None:
    """Paths are prefixes without wildcards, methods are known ones."""
    try:
        scope = asked.scope()
    except InvalidValueError as error:
        return Denial(DenialCode.SCOPE_MALFORMED, error.message, error.remedy)
    return _nothing_in_common(asked) if scope is None else None


def scope_within_target(asked: Asked) -> Denial | None:
    """Nothing is opened that the owner of the target didn't declare."""
    return _outside(asked, asked.target.ceiling, DenialCode.SCOPE_OVER_TARGET, f"target {asked.target.ref}")


def scope_within_policy(asked: Asked) -> Denial | None:
    """Nothing is opened beyond the policy's own ceiling."""
    if asked.policy.ceiling is None:
        return None
    return _outside(asked, asked.policy.ceiling, DenialCode.SCOPE_OVER_POLICY, f"policy {asked.policy.name}")


def approvers_are_named(asked: Asked) -> Denial | None:
    """A policy that wants approvals and names nobody who could give them permits nothing."""
    approval = asked.policy.approval
    if approval.is_automatic or (approval.required > 0 and approval.approvers):
        return None
    return Denial(
        DenialCode.APPROVERS_MISSING,
        f"policy {asked.policy.name} asks for {approval.required} approvals and names nobody who could give them",
        "Ask the platform team to mend it.",
    )


Check = Callable[[Asked], Denial | None]
CHECKS: Final[tuple[Check, ...]] = (
    policy_is_understood,
    target_is_ready,
    reason_is_given,
    duration_within_cap,
    scope_is_well_formed,
    scope_within_target,
    scope_within_policy,
    approvers_are_named,
)


def first_denial(asked: Asked) -> Denial | None:
    """Return the first denial of the checks, in their order, or None if all let the request pass."""
    return next((denial for check in CHECKS if (denial := check(asked)) is not None), None)


def _outside(asked: Asked, ceiling: Scope, code: DenialCode, whose: str) -> Denial | None:
    scope = asked.scope()
    if scope is None:
        return _nothing_in_common(asked)
    outside = (*scope.methods_outside(ceiling), *scope.paths_outside(ceiling))
    if not outside:
        return None
    return Denial(
        code,
        f"asked for {', '.join(outside)}, which is outside what {whose} permits: {ceiling}",
        "Ask for no more than that.",
    )


def _nothing_in_common(asked: Asked) -> Denial:
    return Denial(
        DenialCode.SCOPE_EMPTY,
        f"policy {asked.policy.name} permits none of the paths and methods of {asked.target.ref}",
        "Ask the platform team to look at the policy's scope.",
    )
