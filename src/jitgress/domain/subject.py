"""Whom access is for, and the people whom a policy names.

Invariant 5: who is entitled is told to the letter; who is the same person is told generously.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Subject:
    """One person or workload, as the API server authenticated it: a user name and its groups."""

    username: str
    groups: frozenset[str] = frozenset()

    def is_same_person(self, other: "Subject") -> bool:
        """Tell whether both may be one person: user names that differ in case, width or invisible characters may.

        Identity providers are often careless about these (Unicode TR 39, "Confusable detection"). Use it to bar
        people only, never to let somebody in.
        """
        return _folded(self.username) == _folded(other.username)


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
        """Tell whether `subject` is this user or in this group. A name that is empty names nobody."""
        if not self.name or not subject.username:
            return False
        match self.kind:
            case SubjectKind.USER:
                return subject.username == self.name
            case SubjectKind.GROUP:
                return self.name in subject.groups
            case _ as never:
                assert_never(never)

    def __str__(self) -> str:
        return f"{self.kind.value.lower()} {self.name}"


def _folded(username: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold())
    return "".join(char for char in text if char.isprintable() and not char.isspace())


def any_names(refs: tuple[SubjectRef, ...], subject: Subject) -> bool:
    """Tell whether one of `refs` names `subject`. An empty list names nobody."""
    return any(ref.names(subject) for ref in refs)
