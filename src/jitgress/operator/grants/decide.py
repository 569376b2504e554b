"""Which grants should not be there, and why.

Invariant 7: no grant without its recorded approval. What a request's own concern opened and closes is left to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jitgress.domain.course import Recorded
from jitgress.domain.grant import Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One AccessGrant object. `grant` is None if it can't be understood.

    `recorded` is what the ledger holds of it, None if that can't be read.
    """

    name: str
    grant: Grant | None
    recorded: Recorded | None
    has_request: bool


Check = Callable[[Facts, datetime], str | None]


def is_understood(facts: Facts, _now: datetime) -> str | None:
    """A grant that can't be read permits nothing."""
    return "it can't be understood" if facts.grant is None else None


def is_readable_in_the_ledger(facts: Facts, _now: datetime) -> str | None:
    """What was recorded and can't be read permits nothing: it can't be told what was approved, nor whether it ended."""
    return "the ledger holds no approval of it that can be read" if facts.recorded is None else None


def is_running(facts: Facts, now: datetime) -> str | None:
    """A grant exists exactly as long as the access does."""
    return "its time is over" if facts.grant is not None and facts.grant.window.has_ended(now) else None


def is_recorded(facts: Facts, _now: datetime) -> str | None:
    """Its approval is in the ledger."""
    return "the ledger holds no approval of it" if facts.recorded is None or facts.recorded.opened is None else None


def is_as_recorded(facts: Facts, _now: datetime) -> str | None:
    """It says what was approved, or said so before it was narrowed: that is put right by its request's concern."""
    approved = (facts.recorded.opened, *facts.recorded.before) if facts.recorded is not None else ()
    same = facts.grant is not None and facts.grant in approved and facts.name == facts.grant.id
    return None if same else "it differs from what was approved"


def is_not_closed(facts: Facts, _now: datetime) -> str | None:
    """What is closed stays closed."""
    return "its request is closed" if facts.recorded is None or facts.recorded.closed is not None else None


def its_request_stands(facts: Facts, _now: datetime) -> str | None:
    """Without its request nobody could revoke it."""
    return None if facts.has_request else "its request was deleted"


CHECKS: Final[tuple[Check, ...]] = (
    is_understood,
    is_readable_in_the_ledger,
    is_running,
    is_recorded,
    is_as_recorded,
    is_not_closed,
    its_request_stands,
)


def objection(facts: Facts, now: datetime) -> str | None:
    """Return why the grant must go, or None if it may stay."""
    return next((reason for check in CHECKS if (reason := check(facts, now)) is not None), None)
