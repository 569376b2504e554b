"""Figures about approval webhooks for Prometheus. Labels are bounded by the settings."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from jitgress.operator.consults.consultant import Decided, Reply, Undecided, Unheard


class ConsultMetrics:
    """Made once a process, with the process's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._asked = Counter(
            "jitgress_approval_webhook_asked",
            "Questions to approval webhooks, by what came of them.",
            ["webhook", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "jitgress_approval_webhook_duration_seconds",
            "Time from a question to its answer, or to where it was given up.",
            ["webhook"],
            registry=registry,
        )

    def count(self, webhook: str, reply: Reply) -> None:
        """Count one question."""
        self._asked.labels(webhook, _outcome(reply)).inc()


def _outcome(reply: Reply) -> str:
    match reply:
        case Decided(verdict=verdict):
            return verdict.value.lower()
        case Undecided():
            return "pending"
        case Unheard(trouble=trouble):
            return trouble.value
