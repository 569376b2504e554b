"""The port for conditions that policies state in CEL, the Common Expression Language, and what they may look at.

Nothing in it changes while a request runs, so the same request always gets the same answer (invariant 10).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from jitgress.domain.request import Request
from jitgress.domain.scope import Scope
from jitgress.domain.subject import Subject
from jitgress.domain.target import Target


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an expression sees: not what was asked for but what would be given, or leaving a field out would hide it.

    `opens_at` is when access would begin, as far as it is known. An extension's `duration` counts from then to its end.
    """

    subject: Subject
    target: Target
    request: Request
    opens_at: datetime
    duration: timedelta
    scope: Scope


class Expression(Protocol):
    """A compiled condition. Two are equal if their texts are."""

    @property
    def text(self) -> str:
        """The expression as the policy states it."""
        ...

    def holds(self, circumstances: Circumstances) -> bool:
        """Tell whether the condition is true. Raises `InvalidValueError` where that can't be told."""
        ...
