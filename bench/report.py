"""Figures for people: lines on a terminal, and a page that needs nothing but itself."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

from bench.chart import Series, line_chart

AUDITED = """The books were audited after every run: they balance, nothing is oversold, replay gives the same digest.
Closed loops time from when a request was sent, open loops from when it was due."""
STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #222; --line: #ddd; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
body, td:first-child, th:first-child { background: var(--paper); color: var(--ink); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1.5rem; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; } td:first-child, th:first-child { text-align: left; position: sticky; left: 0; }
.wide { overflow-x: auto; } svg { display: block; max-width: 640px; width: 100%; height: auto; margin: .5rem 0; }
svg text:not([fill]) { fill: var(--ink); }
@media (max-width: 600px) { svg { font-size: 20px; } h1 { font-size: 1.5rem; } }
@media (prefers-color-scheme: dark) { :root { --paper: #16181a; --ink: #ddd; --line: #444; } }
"""


def as_text(figures: dict[str, Any]) -> str:
    """One bench as lines."""
    plain = {name: value for name, value in figures.items() if name != "what" and not isinstance(value, dict)}
    lines = [figures["what"], "    " + ", ".join(f"{name} {value}" for name, value in plain.items())]
    for name, value in figures.items():
        if isinstance(value, dict):
            lines.append(f"    {name}: " + ", ".join(f"{key} {entry}" for key, entry in value.items()))
    return "\n".join(lines)


def as_html(found: dict[str, Any]) -> str:
    """The page of a run: conditions first, then every part with its tables and charts."""
    title = f"Kontor, measured on {found['date']}"
    pieces = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style>',
        f"<h1>{escape(title)}</h1>",
        f"<p>{AUDITED}</p>",
        _table([{**found["conditions"], "size": found["size"]}], upright=True),
    ]
    for part, figures in groupby(found["figures"], key=lambda one: one["part"]):
        rows = list(figures)
        pieces.append(f"<h2>{escape(part)}</h2>")
        pieces += _charts(rows)
        for what, alike in groupby(rows, key=lambda one: one["what"]):
            pieces.append(f"<h3>{escape(what)}</h3>")
            same, differing = _parted([_flat(one) for one in alike])
            if same:
                pieces.append(
                    "<p>" + ", ".join(f"{_words(name)} {_cell(value)}" for name, value in same.items()) + "</p>"
                )
            pieces.append(_table(differing))
    return "\n".join([*pieces, "</html>\n"])


def _flat(figures: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{before}{name} "))
        elif name not in ("what", "part"):
            found[before + name] = value
    return found


def _parted(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What several rows have in common, and their rows without it: a narrower table. Of one row, nothing."""
    first, *others = rows
    same = {name: value for name, value in first.items() if others and all(row.get(name) == value for row in others)}
    if len(same) == len(first):
        return {}, rows
    return same, [{name: value for name, value in row.items() if name not in same} for row in rows]


def _table(rows: list[dict[str, Any]], upright: bool = False) -> str:
    """Columns are the names of all rows; upright, one row is two columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if upright or (len(rows) == 1 and len(names) > 12):
        lines = [f"<tr><th>{_words(name)}</th><td>{_cell(rows[0].get(name))}</td></tr>" for name in names]
    else:
        head = "".join(f"<th>{_words(name)}</th>" for name in names)
        lines = [f"<tr>{head}</tr>"]
        lines += ["<tr>" + "".join(f"<td>{_cell(row.get(name))}</td>" for name in names) + "</tr>" for row in rows]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _words(name: str) -> str:
    return escape(name.replace("_", " "))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
    return "" if value is None else escape(str(value))


def _charts(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What there is enough of to be drawn: rate and latency by connections, cost by orders in the journal."""
    swept = [row for row in rows if "skew" in row and "connections" in row]
    if len({row["connections"] for row in swept}) > 1:
        rates: Series = {}
        for row in swept:
            rates.setdefault(f"{row['skew']} SKUs", []).append((row["connections"], row["per_second"]))
        yield line_chart("Durable reservations over HTTP", "connections", "a second", rates)
        spread = [row for row in swept if row["skew"] == "zipf"]
        latencies: Series = {
            name.removesuffix("_ms"): [(row["connections"], row[name]) for row in spread]
            for name in ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "longest_ms")
        }
        yield line_chart("Latency, closed loop, Zipf", "connections", "milliseconds", latencies)
    grown = [row for row in rows if "microseconds_an_order" in row]
    if len(grown) > 1:
        points = [(row["orders"], row["microseconds_an_order"]) for row in grown]
        yield line_chart("Cost of an order as the journal grows", "orders in the journal", "microseconds", {"": points})
