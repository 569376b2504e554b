"""What a look at policies found: how bad it is, which policy, what is wrong and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """The worst first. A note may well be meant so."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about `policy`; `code` is stable, `others` are the policies beside which it was found."""

    severity: Severity
    code: str
    policy: str
    message: str
    remedy: str = ""
    others: tuple[str, ...] = ()
