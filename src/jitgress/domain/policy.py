"""Who may reach which targets, on what terms. Like a firewall's rules: the first policy that matches decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject, SubjectRef, any_names
from jitgress.domain.target import Target


@dataclass(frozen=True, slots=True)
class TargetSelector:
    """Which targets a policy is about. Everything stated must hold; a selector that states nothing matches nothing."""

    namespaces: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    def matches(self, target: Target) -> bool:
        """Tell whether `target` is meant."""
        if not (self.namespaces or self.names or self.labels):
            return False
        return (
            (not self.namespaces or target.ref.namespace in self.namespaces)
            and (not self.names or target.ref.name in self.names)
            and self.labels.items() <= target.labels.items()
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """How many distinct people out of `approvers` must approve, and by when. Zero: automatic."""

    required: int
    approvers: tuple[SubjectRef, ...] = ()
    timeout: timedelta = timedelta(hours=1)

    @property
    def is_automatic(self) -> bool:
        """Tell whether no person is asked."""
        return self.required == 0

    def deadline(self, asked_at: datetime) -> datetime:
        """Return the first moment at which an approval of what was asked for at `asked_at` counts for nothing."""
        return asked_at.astimezone(UTC) + self.timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One AccessPolicy: whom and what it is about, and its terms."""

    name: str
    priority: int
    subjects: tuple[SubjectRef, ...]
    targets: TargetSelector
    max_duration: timedelta
    approval: Approval
    ceiling: Scope | None = None
    defect: str | None = None
    """Why it can't be understood. Nobody knows whom it was to stop: it decides about everybody, and permits nothing."""

    def matches(self, subject: Subject, target: Target) -> bool:
        """Tell whether this policy decides about `subject` and `target`, if no earlier one does."""
        return self.defect is not None or (any_names(self.subjects, subject) and self.targets.matches(target))


def deciding_policy(policies: Iterable[Policy], subject: Subject, target: Target) -> Policy | None:
    """Return the first policy that matches: by priority, the lowest number first, ties by name."""
    matching = (policy for policy in policies if policy.matches(subject, target))
    return min(matching, key=lambda policy: (policy.priority, policy.name), default=None)
