"""A line chart as SVG, with nothing but text: both axes logarithmic, because load and latency are read in factors."""

import math
from html import escape

WIDTH, HEIGHT = 640, 318
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 48, 45
COLOURS = ("#1b6ca8", "#c8553d", "#3f7d20", "#7a4c99", "#946c00", "#5b6770")
Series = dict[str, list[tuple[float, float]]]


def line_chart(title: str, x_label: str, y_label: str, series: Series) -> str:
    """One line for each name; points are (x, y). Only what is positive can be shown; without any it is an empty string."""
    shown = {name: sorted((x, y) for x, y in points if x > 0 and y > 0) for name, points in series.items()}
    shown = {name: points for name, points in shown.items() if points}
    if not shown:
        return ""
    xs = _span([x for points in shown.values() for x, _ in points])
    ys = _span([y for points in shown.values() for _, y in points])
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" font-size="12">',
        f'<text x="{LEFT}" y="16" font-weight="600">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text x="6" y="{TOP - 18}">{escape(y_label)}</text>',
        *_axes(xs, ys),
    ]
    for at, (name, points) in enumerate(shown.items()):
        colour = COLOURS[at % len(COLOURS)]
        places = [(_x(x, xs), _y(y, ys)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        below = TOP + 14 + 22 * at
        parts.append(f'<text x="{WIDTH - RIGHT + 12}" y="{below}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"])


def _span(values: list[float]) -> tuple[float, float]:
    """Powers of ten, or of two where there is less than one power of ten, around the values."""
    low, high = min(values), max(values)
    base = 10 if high / low > 10 else 2
    down, up = math.floor(math.log(low, base)), math.ceil(math.log(high, base))
    return float(base**down), float(base ** max(up, down + 1))


def _x(value: float, span: tuple[float, float]) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / span[0]) / math.log(span[1] / span[0])


def _y(value: float, span: tuple[float, float]) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(value / span[0]) / math.log(span[1] / span[0])


def _axes(xs: tuple[float, float], ys: tuple[float, float]) -> list[str]:
    found = []
    for value in _ticks(xs):
        x = _x(value, xs)
        found.append(
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#888" stroke-opacity=".35"/>'
        )
        found.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_short(value)}</text>')
    for value in _ticks(ys):
        y = _y(value, ys)
        found.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#888" stroke-opacity=".35"/>'
        )
        found.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>')
    return found


def _ticks(span: tuple[float, float]) -> list[float]:
    factor = 10 if span[1] / span[0] > 64 else 2
    found, value = [], span[0]
    while value <= span[1] * 1.0001:
        found.append(value)
        value *= factor
    return found


def _short(value: float) -> str:
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{letter}"
    return f"{value:g}"
