"""The port to external approval systems: one question, one reply. Only `Decided` says anything about the request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

from jitgress.domain.answer import AnswerVerdict
from jitgress.operator.questions import Question


@dataclass(frozen=True, slots=True)
class Decided:
    """It said yes or no. `not_after` is the end of the ticket or change that this rests on."""

    verdict: AnswerVerdict
    comment: str = ""
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Undecided:
    """It doesn't know yet, and perhaps said when to ask again."""

    retry_after: timedelta | None = None


class Trouble(StrEnum):
    """Why nothing was heard. The words are labels of a metric."""

    UNREACHABLE = "unreachable"
    """No connection, no TLS, or one that broke."""
    TIMED_OUT = "timed_out"
    STATUS = "status"
    """Another status than 200; a redirect is one, and is not followed."""
    NOT_UNDERSTOOD = "not_understood"
    SECRET = "secret"  # noqa: S105  a word, not a credential
    """The secret to sign with can't be read here, so nothing was sent."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """There was no answer that can be understood. `detail` is for logs and holds nothing that was received."""

    trouble: Trouble
    detail: str
    retry_after: timedelta | None = None


Reply: TypeAlias = Decided | Undecided | Unheard


class Consultant(Protocol):
    """Asks external approval systems."""

    @property
    def webhooks(self) -> frozenset[str]:
        """The names of those that can be asked."""
        ...

    async def ask(self, question: Question) -> Reply:
        """Ask the system that `question` names. Never raises for what it does or doesn't answer."""
        ...


class NoConsultant:
    """There is no external system."""

    @property
    def webhooks(self) -> frozenset[str]:
        """None."""
        return frozenset()

    async def ask(self, question: Question) -> Reply:
        """Reach nobody."""
        return Unheard(Trouble.UNREACHABLE, f"there is no webhook {question.webhook}")
