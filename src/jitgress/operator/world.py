"""What every concern of the operator is given: the API server, the caches, the ledger, the settings and the time."""

from dataclasses import dataclass, field

from jitgress.domain.clock import Clock
from jitgress.kube.client import KubeApi
from jitgress.operator.caches import Caches
from jitgress.operator.openings import Openings
from jitgress.operator.ports import Ledger
from jitgress.operator.settings import OperatorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One for all concerns of a process."""

    api: KubeApi
    caches: Caches
    ledger: Ledger
    settings: OperatorSettings
    clock: Clock
    openings: Openings = field(default_factory=Openings)
