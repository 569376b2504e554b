"""What else is known when a request is decided about, beside target, policies and reviews."""

from dataclasses import dataclass

from jitgress.domain.answer import Answer
from jitgress.domain.grant import Grant


@dataclass(frozen=True, slots=True)
class Extended:
    """The grant that a request extends, as the ledger has it. `is_over`: it was closed already.

    `is_stopped`: it was ended by others, or by what changed, and not by its time or by whom it was for.
    """

    grant: Grant
    is_over: bool
    is_stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Counts are of others than this request, and 0 where the deciding policy doesn't ask for them.

    Once it was opened nothing is counted against it any more.
    """

    is_opened: bool = False
    open_of_subject: int = 0
    open_on_target: int = 0
    asked_within_day: int = 0
    """How many requests the same person made in the 24 hours before this one."""
    overdue_reviews: int = 0
    """How many break-glass grants of the same person wait for a review for too long."""
    groups_now: frozenset[str] | None = None
    """The groups in which the requester was seen since they asked; None: not seen since, or in no others ever."""
    extended: Extended | None = None
    successor: str | None = None
    """The name of an open request that extends this one."""
    answers: tuple[Answer, ...] = ()
