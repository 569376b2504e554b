"""Whom access is for, and the people whom a policy names."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Subject:
    """One person or workload, as the API server authenticated it: a user name and its groups."""

    username: str
    groups: frozenset[str] = frozenset()


class SubjectKind(StrEnum):
    """What a policy can name (Kubernetes RBAC, `Subject.kind`)."""

    USER = "User"
    GROUP = "Group"


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """A user or a group that a policy names."""

    kind: SubjectKind
    name: str

    def names(self, subject: Subject) -> bool:
        """Tell whether `subject` is this user or in this group."""
        match self.kind:
            case SubjectKind.USER:
                return subject.username == self.name
            case SubjectKind.GROUP:
                return self.name in subject.groups

    def __str__(self) -> str:
        return f"{self.kind.value.lower()} {self.name}"


def any_names(refs: tuple[SubjectRef, ...], subject: Subject) -> bool:
    """Tell whether one of `refs` names `subject`. An empty list names nobody."""
    return any(ref.names(subject) for ref in refs)
