"""The portal's figures for Prometheus. Labels are bounded: no person, host or path is ever one."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class PortalMetrics:
    """Made once a process, with the process's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "jitgress_portal_requests", "Requests answered, by status.", ["status"], registry=registry
        )
        self.seconds = Histogram(
            "jitgress_portal_request_seconds", "Time to answer a request.", buckets=BUCKETS_S, registry=registry
        )
        self.issued = Counter("jitgress_tokens_issued", "Gate tokens handed out.", registry=registry)
        self.refused = Counter(
            "jitgress_tokens_refused", "Gate tokens refused, by reason.", ["reason"], registry=registry
        )
