"""What a policy permits, in small values: how long, when, from where, on what words, how often."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from jitgress.domain.pattern import Pattern
from jitgress.domain.subject import SubjectRef


@dataclass(frozen=True, slots=True)
class Wording:
    """A text that a request must hold. `hint` says in words what is wanted, where the policy says so."""

    pattern: Pattern
    hint: str = ""

    def __str__(self) -> str:
        return self.hint or f"it must match {self.pattern.text}"


@dataclass(frozen=True, slots=True)
class Mfa:
    """How the requester must have signed in: by one of `methods` (RFC 8176), no longer than `max_age` ago."""

    methods: frozenset[str]
    max_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many grants may be open at a time, and how often a person may ask within 24 hours. None: no limit."""

    per_subject: int | None = None
    per_target: int | None = None
    per_day: int | None = None


UNLIMITED: Final = Limits()


@dataclass(frozen=True, slots=True)
class Extensions:
    """How often access may be extended, and for how long it may last in all, from its first opening on."""

    most: int
    max_total: timedelta


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may open at once and be reviewed after. `locks_out`: not again while a review of theirs is overdue."""

    subjects: tuple[SubjectRef, ...]
    max_duration: timedelta
    review_within: timedelta
    locks_out: bool = False
