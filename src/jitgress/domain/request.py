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
    duration: timedelta
    created_at: datetime
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()

    def asks_for(self, target: TargetRef) -> bool:
        """Tell whether `target` is the one that is named: a request reaches no other namespace than its own."""
        return (self.ref.namespace, self.target) == (target.namespace, target.name)
