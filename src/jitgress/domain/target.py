"""The service that can be opened, and the most that may ever be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jitgress.domain.host import Host
from jitgress.domain.scope import Scope


@dataclass(frozen=True, slots=True)
class TargetRef:
    """Which AccessTarget: a name alone can be taken again, the UID can't."""

    namespace: str
    name: str
    uid: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Ready:
    """The target can be opened; `address` is the IP:port of its Service."""

    address: str


@dataclass(frozen=True, slots=True)
class NotReady:
    """The target can't be opened; `reason` is a CamelCase word, `message` a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One AccessTarget. `readiness` is None as long as its present generation was not examined."""

    ref: TargetRef
    host: Host
    ceiling: Scope
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    readiness: Ready | NotReady | None = None
