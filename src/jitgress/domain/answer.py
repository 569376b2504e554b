"""What an external approval system said about a request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AnswerVerdict(StrEnum):
    """Yes or no. A system that doesn't know yet has not answered."""

    APPROVE = "Approve"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the system that policies call `webhook`, as the ledger has it, given at `at`.

    `not_after` is the end of the ticket or change that the answer rests on: the window never reaches beyond it.
    """

    webhook: str
    verdict: AnswerVerdict
    at: datetime
    comment: str = ""
    not_after: datetime | None = None
