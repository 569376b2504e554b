"""Whom access is for, and the people whom a policy names.

Invariant 5: who is entitled is told to the letter; who is the same person is told generously.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never


@dataclass(frozen=True, slots=True)
class Subject:
    """One person or workload, as the API server authenticated it (Kubernetes `UserInfo`; claims are its `extra`)."""

    username: str
    groups: frozenset[str] = frozenset()
    claims: frozenset[tuple[str, str]] = frozenset()
    """What its token said beside that: pairs of a key, such as `jitgress.dev/amr`, and one of its values."""

    def values_of(self, key: str) -> frozenset[str]:
        """Return every value of the claim `key`."""
        return frozenset(value for name, value in self.claims if name == key)

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
    WORKLOAD = "Workload"


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """A user, a group, or a workload by what its token says. Whatever `claims` are stated must all be there."""

    kind: SubjectKind
    name: str = ""
    claims: frozenset[tuple[str, str]] = frozenset()

    def names(self, subject: Subject) -> bool:
        """Tell whether `subject` is meant. A name that is empty names nobody, nor does a workload without claims."""
        if not subject.username or not self.claims <= subject.claims:
            return False
        match self.kind:
            case SubjectKind.USER:
                return bool(self.name) and subject.username == self.name
            case SubjectKind.GROUP:
                return bool(self.name) and self.name in subject.groups
            case SubjectKind.WORKLOAD:
                return bool(self.claims)
            case _ as never:
                assert_never(never)

    def __str__(self) -> str:
        claims = ", ".join(f"{key}={value}" for key, value in sorted(self.claims))
        if self.kind is SubjectKind.WORKLOAD:
            return f"workload with {claims or 'nothing'}"
        return f"{self.kind.value.lower()} {self.name}" + (f" with {claims}" if claims else "")


# Characters that Python prints and nobody sees: Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties, and
# the blank of Braille.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)


def _folded(username: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _INVISIBLE.sub("", username)).casefold())
    return "".join(char for char in _INVISIBLE.sub("", text) if char.isprintable() and not char.isspace())


def any_names(refs: tuple[SubjectRef, ...], subject: Subject) -> bool:
    """Tell whether one of `refs` names `subject`. An empty list names nobody."""
    return any(ref.names(subject) for ref in refs)
