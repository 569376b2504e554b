"""Who may reach which targets, on what terms. Like a firewall's rules: the first policy that matches decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from jitgress.domain.approval import Approval
from jitgress.domain.expression import Expression
from jitgress.domain.schedule import Schedule
from jitgress.domain.scope import Scope
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import Subject, SubjectRef, any_names
from jitgress.domain.target import Target
from jitgress.domain.terms import UNLIMITED, BreakGlass, Extensions, Limits, Mfa, Wording


class Effect(StrEnum):
    """What a policy does with those whom it matches."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class TargetSelector:
    """Which targets a policy is about. Everything stated must hold; a selector that states nothing matches nothing."""

    namespaces: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_stated(self) -> bool:
        """Tell whether it says anything at all."""
        return bool(self.namespaces or self.names or self.labels)

    def matches(self, target: Target) -> bool:
        """Tell whether `target` is meant."""
        return self.is_stated and not self.mismatch(target)

    def mismatch(self, target: Target) -> str | None:
        """Return on what `target` differs from what is stated, or None."""
        if self.namespaces and target.ref.namespace not in self.namespaces:
            return f"namespace {target.ref.namespace} is not one of {', '.join(sorted(self.namespaces))}"
        if self.names and target.ref.name not in self.names:
            return f"target {target.ref.name} is not one of {', '.join(sorted(self.names))}"
        lacking = sorted(f"{key}={value}" for key, value in self.labels.items() - target.labels.items())
        return f"the target lacks the labels {', '.join(lacking)}" if lacking else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One AccessPolicy: whom and what it is about, and its terms. None stands for no such restriction or way."""

    name: str
    priority: int
    subjects: tuple[SubjectRef, ...]
    targets: TargetSelector
    max_duration: timedelta
    approval: Approval
    effect: Effect = Effect.ALLOW
    message: str = ""
    """What people are told whom it denies."""
    default_duration: timedelta | None = None
    max_start_ahead: timedelta = timedelta(0)
    extensions: Extensions | None = None
    """None: access can't be extended."""
    schedule: Schedule | None = None
    ceiling: Scope | None = None
    must_name_paths: bool = False
    reason: Wording | None = None
    ticket: Wording | None = None
    sources: Sources = ANYWHERE
    mfa: Mfa | None = None
    limits: Limits = UNLIMITED
    break_glass: BreakGlass | None = None
    """None: nobody can break the glass."""
    expression: Expression | None = None
    defect: str | None = None
    """Why it can't be understood. It still decides about those whom it matches, and permits nothing."""

    @property
    def is_about_everybody(self) -> bool:
        """Tell whether not even whom it is about could be understood: then it may be meant to stop anybody."""
        return self.defect is not None and not (self.subjects and self.targets.is_stated)

    def matches(self, subject: Subject, target: Target) -> bool:
        """Tell whether this policy decides about `subject` and `target`, if no earlier one does."""
        return self.is_about_everybody or (any_names(self.subjects, subject) and self.targets.matches(target))

    @property
    def order(self) -> tuple[int, str]:
        """Where it stands among others: by priority, the lowest number first, ties by name."""
        return self.priority, self.name


class Policies(Protocol):
    """Every policy that there is."""

    def deciding(self, subject: Subject, target: Target) -> Policy | None:
        """Return the first policy that matches, or None."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyList:
    """Policies that are looked at one after the other."""

    policies: tuple[Policy, ...]

    def deciding(self, subject: Subject, target: Target) -> Policy | None:
        """Return the first policy that matches, or None."""
        return deciding_policy(self.policies, subject, target)


def deciding_policy(policies: Iterable[Policy], subject: Subject, target: Target) -> Policy | None:
    """Return the first policy that matches: by priority, the lowest number first, ties by name."""
    matching = (policy for policy in policies if policy.matches(subject, target))
    return min(matching, key=lambda policy: policy.order, default=None)
