"""What is open now: the one thing that makes the gate let a request pass."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from jitgress.domain.host import Host
from jitgress.domain.request import RequestRef
from jitgress.domain.scope import Scope
from jitgress.domain.sources import ANYWHERE, Sources
from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef
from jitgress.domain.window import Window

GrantId = NewType("GrantId", str)
"""The UID of the request that the grant comes from: one request, one grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One AccessGrant. `address` is the IP:port that the gate connects to."""

    id: GrantId
    request: RequestRef
    target: TargetRef
    policy: str
    subject: Subject
    host: Host
    address: str
    scope: Scope
    window: Window
    sources: Sources = ANYWHERE
    """From where it may be used."""
    since: datetime
    """When the first of a chain of extensions began; the window's own beginning where it extends nothing."""
    extensions: int = 0
    """How many extensions led to it."""
    review_by: datetime | None = None
    """Break-glass only: when it must have been reviewed."""

    @property
    def is_break_glass(self) -> bool:
        """Tell whether it was opened without being approved."""
        return self.review_by is not None
