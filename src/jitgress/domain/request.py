"""What somebody asks for: one target, a reason, a time, and no more than the paths and methods needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jitgress.domain.subject import Subject
from jitgress.domain.target import TargetRef


@dataclass(frozen=True, slots=True)
class RequestRef:
    """Which AccessRequest: a name alone can be taken again, the UID can't."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One AccessRequest. Empty `paths` or `methods` ask for all that target and policy permit."""

    ref: RequestRef
    target: str
    requester: Subject
    reason: str
    duration: timedelta | None
    """None: what the policy gives by default."""
    created_at: datetime
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    ticket: str = ""
    start_at: datetime | None = None
    """None, or a time that has passed: as soon as it is permitted."""
    end_at: datetime | None = None
    """Never open at or after this, such as the end of the change that it is for."""
    extends: RequestRef | None = None
    break_glass: bool = False

    @property
    def earliest_start(self) -> datetime:
        """The first moment at which it could open."""
        return max(self.created_at, self.start_at) if self.start_at is not None else self.created_at

    def asks_for(self, target: TargetRef) -> bool:
        """Tell whether `target` is the one that is named: a request reaches no other namespace than its own."""
        return (self.ref.namespace, self.target) == (target.namespace, target.name)
