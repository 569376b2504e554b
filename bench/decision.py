"""How long a decision takes among thousands of policies, against a plain scan of them in the same run."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.figures import Figure, percentile
from jitgress.crds.policies import policy_value
from jitgress.crds.values import request_value, target_value
from jitgress.domain.decide import decide
from jitgress.domain.policy import Policies, Policy, PolicyList
from jitgress.domain.policy_index import PolicyIndex
from jitgress.domain.situation import Situation

BOUNDS_MS = {1000: 1.0, 10_000: 5.0}
ROUNDS = 400
SCANS = 20
ASKED_AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
_TARGET = {
    "metadata": {"namespace": "shop", "name": "orders", "uid": "target", "generation": 1, "labels": {"tier": "web"}},
    "spec": {"host": "orders.example.test", "service": {}, "paths": ["/"], "methods": ["GET"]},
}
_REQUEST = {
    "metadata": {"namespace": "shop", "name": "one", "uid": "request", "creationTimestamp": "2026-01-05T10:00:00Z"},
    "spec": {
        "target": "orders",
        "requester": {"username": "alice", "groups": ["dev", "system:authenticated"]},
        "reason": "INC-123 orders are stuck",
        "durationSeconds": 600,
    },
}


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Decide about one request whose policy is the last of all that could match."""
    return [figure for number in BOUNDS_MS for figure in _measure(number, say)]


def _measure(number: int, say: Callable[[str], None]) -> Iterator[Figure]:
    for name, spread in (("of many teams", _teams), ("of one team", _one_team)):
        policies = tuple(spread(number))
        began = time.perf_counter()
        index = PolicyIndex(policies)
        building = time.perf_counter() - began
        indexed, scanned = _times(index, ROUNDS), _times(PolicyList(policies), SCANS)
        say(f"  {number} policies {name}: index made in {building * 1000:.0f} ms")
        yield Figure(
            name=f"decision among {number} policies {name}, p99",
            value=percentile(indexed, 0.99) * 1000,
            unit="ms",
            target=BOUNDS_MS[number],
        )
        yield Figure(
            name=f"plain scan of {number} policies {name}, p50",
            value=percentile(scanned, 0.5) * 1000,
            unit="ms",
            reference="index, p50",
            reference_value=percentile(indexed, 0.5) * 1000,
        )


def _times(policies: Policies, rounds: int) -> list[float]:
    target, request, situation = target_value(_TARGET), request_value(_REQUEST), Situation()
    times: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        decision = decide(target, policies, request, (), situation=situation, now=ASKED_AT + timedelta(seconds=1))
        times.append(time.perf_counter() - began)
        if decision.policy != "last":
            raise AssertionError(decision)
    return times


def _teams(number: int) -> Iterator[Policy]:
    """Yield policies of many groups and namespaces, as a platform team has them; the deciding one is the last."""
    draw = random.Random(number)  # noqa: S311  the same policies in each run
    for each in range(number - 1):
        yield _policy(
            f"p{each}",
            draw.randrange(1000),
            f"team-{draw.randrange(200)}",
            {"namespaces": [f"ns-{draw.randrange(300)}"]},
        )
    yield _policy("last", 1000, "dev", {"namespaces": ["shop"]})


def _one_team(number: int) -> Iterator[Policy]:
    """Yield policies that all name the requester's group and the target's namespace, each for another target."""
    for each in range(number - 1):
        targets: dict[str, Any] = {"namespaces": ["shop"], "labels": {"tier": "web", "app": f"app-{each}"}}
        yield _policy(f"p{each}", 500, "dev", targets)
    yield _policy("last", 1000, "dev", {"namespaces": ["shop"]})


def _policy(name: str, priority: int, group: str, targets: dict[str, Any]) -> Policy:
    approval = {"required": 1, "approvers": [{"kind": "Group", "name": "approvers"}], "timeoutSeconds": 3600}
    spec = {
        "priority": priority,
        "subjects": [{"kind": "Group", "name": group}],
        "targets": targets,
        "maxDurationSeconds": 3600,
        "approval": approval,
    }
    return policy_value({"metadata": {"name": name}, "spec": spec})
