"""A small bar chart of figures against their targets, as SVG, readable in print and on dark pages."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.figures import OUT, Figure, told

_ROW_PX, _LABEL_PX, _BAR_PX, _VALUE_PX = 26, 330, 320, 150


def write(name: str, figures: Sequence[Figure], folder: Path = OUT) -> Path:
    """Draw every figure that has a target: the bar is the value, the line the target; return the file."""
    rows = [figure for figure in figures if figure.target]
    width, height = _LABEL_PX + _BAR_PX + _VALUE_PX, _ROW_PX * len(rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="13"',
        f'  viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="12" y="22" font-weight="600">{escape(name)}: value (bar) and target (line)</text>',
        *[part for row, figure in enumerate(rows) for part in _bar(figure, 36 + row * _ROW_PX)],
        "</svg>",
    ]
    path = folder / f"{name}.svg"
    path.write_text("\n".join(parts) + "\n")
    return path


def _bar(figure: Figure, top: int) -> list[str]:
    target = figure.target or 1.0
    value = figure.ratio if figure.reference is not None and figure.ratio is not None else figure.value
    scale = _BAR_PX / (max(value, target) * 1.1 or 1.0)
    colour = "#1a7f37" if figure.met else "#cf222e"
    unit = f"x {figure.reference}" if figure.reference is not None else figure.unit
    x_target = f"{_LABEL_PX + target * scale:.1f}"
    return [
        f'<text x="{_LABEL_PX - 8}" y="{top + 13}" text-anchor="end">{escape(figure.name)}</text>',
        f'<rect x="{_LABEL_PX}" y="{top}" width="{max(value * scale, 1):.1f}" height="17" rx="2" fill="{colour}"/>',
        f'<line x1="{x_target}" x2="{x_target}" y1="{top - 3}" y2="{top + 20}" stroke="#24292f" stroke-width="2"/>',
        f'<text x="{_LABEL_PX + _BAR_PX + 8}" y="{top + 13}">{told(value)} {escape(unit)}</text>',
    ]
