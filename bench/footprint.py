"""What the stack costs: time to be ready once it is built, and memory of its Python processes when idle."""

import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure
from bench.stack import running

SETTLE_S = 10.0


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Start a stack, let it settle, read its memory."""
    with running() as (env, seconds):
        say(f"  ready after {seconds:.1f} s; settling for {SETTLE_S:.0f} s")
        time.sleep(SETTLE_S)
        pids = env["processes"]
        return [
            Figure(name="local up, warm", value=seconds, unit="s", target=15),
            Figure(name="operator and portal, idle", value=resident_mb(pids["operator"]), unit="MB", target=120),
            Figure(name="gate's agent, idle", value=resident_mb(pids["agent"]), unit="MB", target=80),
            Figure(name="HAProxy, idle", value=resident_mb(pids["haproxy"]), unit="MB"),
        ]


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process and its children in MB (10^6 bytes)."""
    status = Path(f"/proc/{pid}/status").read_text()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own * 1024 / 1e6 + sum(resident_mb(int(child)) for child in children)
