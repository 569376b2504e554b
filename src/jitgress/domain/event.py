"""What the ledger records: one event for each transition, with an id that a repetition cannot double.

Invariant 7: each transition is in the ledger exactly once, and before its effect.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from jitgress.domain.request import RequestRef

EventValue: TypeAlias = str | int | bool | Sequence["EventValue"] | Mapping[str, "EventValue"] | None
"""What event data may hold: whole numbers only, so that the canonical form is one (RFC 8785)."""


class EventCode(StrEnum):
    """Every event there is. Codes are stable: reports and alarms rely on them."""

    REQUEST_RECEIVED = "request.received"
    REQUEST_CLOSED = "request.closed"
    REVIEW_COUNTED = "review.counted"
    REVIEW_IGNORED = "review.ignored"
    APPROVAL_ANSWERED = "approval.answered"
    REQUEST_SCHEDULED = "request.scheduled"
    GRANT_OPENED = "grant.opened"
    GRANT_ACTIVE = "grant.active"
    GRANT_NARROWED = "grant.narrowed"
    GRANT_REMOVED = "grant.removed"
    BREAK_GLASS_REVIEWED = "break_glass.reviewed"
    BREAK_GLASS_OVERDUE = "break_glass.overdue"
    REQUEST_REMOVED = "request.removed"
    ROUTE_PUBLISHED = "route.published"
    ROUTE_REMOVED = "route.removed"
    ROUTE_REPAIRED = "route.repaired"
    HOST_HIDDEN = "host.hidden"
    EXPOSURE_FOUND = "exposure.found"
    TOKEN_ISSUED = "token.issued"  # noqa: S105  a code, not a credential
    TOKEN_REFUSED = "token.refused"  # noqa: S105  a code, not a credential
    KEY_ROTATED = "key.rotated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the ledger. `actor` did it, `subject` is whom access is for, `at` is when, in whole milliseconds."""

    id: str
    code: EventCode
    at: datetime
    actor: str
    subject: str | None = None
    request: RequestRef | None = None
    data: Mapping[str, EventValue] = field(default_factory=dict[str, EventValue])


def event_id(uid: str, code: EventCode, discriminator: str = "") -> str:
    """Return the id of the one event `code` about the object `uid`.

    The same transition always gets the same id, so that a repetition after a crash is recognised. `discriminator`
    tells apart events of one code about one object (a review's uid, a resource version).
    """
    text = f"{uid}\x00{code.value}\x00{discriminator}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
