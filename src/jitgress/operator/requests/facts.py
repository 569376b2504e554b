"""Everything that is known about one request, gathered into one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jitgress.domain.course import Close
from jitgress.domain.event import Event
from jitgress.domain.grant import Grant
from jitgress.domain.policy import Policies
from jitgress.domain.request import Request
from jitgress.domain.review import Review
from jitgress.domain.situation import Situation
from jitgress.domain.target import Target


@dataclass(frozen=True, slots=True)
class GrantSight:
    """The AccessGrant as it stands in the API. `grant` is None if its spec can't be understood."""

    grant: Grant | None
    resource_version: str
    uid: str
    is_probed: bool
    failure: str | None
    """Why the probe gave up on it, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`was_created` says that the grant was once seen in the API: if it is missing now, somebody deleted it."""

    request: Request
    generation: int
    target: Target | None
    policies: Policies
    reviews: tuple[Review, ...]
    history: tuple[Event, ...]
    situation: Situation
    sight: GrantSight | None
    was_created: bool
    status: Mapping[str, Any]
    """The request's present status, for the times of its conditions."""
    review_statuses: Mapping[str, Mapping[str, Any]]
    """The present status of each review, by the review's name."""
    unrecorded_close: Close | None = None
    """How it was closed while the ledger could not be written: that is to be recorded, not what is seen afterwards."""
