"""Figures for Prometheus about what waits for people. Counted when they are read, from the caches."""

from prometheus_client import CollectorRegistry, Gauge

from jitgress.domain.clock import Clock
from jitgress.operator.caches import Caches
from jitgress.operator.requests.situation import is_overdue


class ReviewMetrics:
    """Made once a process, with the process's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._overdue = Gauge(
            "jitgress_break_glass_reviews_overdue",
            "Break-glass requests that should have been reviewed by now, and were not.",
            registry=registry,
        )

    def follow(self, caches: Caches, clock: Clock) -> None:
        """Count in these caches from now on."""
        self._overdue.set_function(lambda: sum(is_overdue(each, clock.now()) for each in caches.requests.values()))
