"""Figures about messages for Prometheus. Labels are bounded by the settings."""

from prometheus_client import CollectorRegistry, Counter


class NotifyMetrics:
    """Made once a process, with the process's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "jitgress_notifications",
            "Messages, by service and by what became of them: delivered, failed, or lost before they were tried.",
            ["service", "outcome"],
            registry=registry,
        )
