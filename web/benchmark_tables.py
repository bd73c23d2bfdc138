"""Sphinx extension: the directive `{benchmark} name` shows what `make benchmarks` has kept of one benchmark.

    ```{benchmark} hessian
    :growth: parameters
    ```

Title and words come from the benchmark's file, all numbers from benchmarks/table.json, so nothing on the page
is typed. `growth` names a number of the case; the cost is then drawn against it, tool by tool.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import matplotlib
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from epbook.page import SERIES, subplots, use_style
from epbook.page.both import draw, inline_both

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "benchmarks" / "table.json"
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def table() -> dict[str, Any]:
    """What the last runs of the benchmarks have kept, by name."""
    found: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return found


def about(name: str) -> str:
    """What the file of a benchmark says of it, without its first line."""
    text = ast.get_docstring(ast.parse((ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")))
    return " ".join((text or "").partition("\n\n")[2].split())


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{three(seconds / size)} {unit}"


def three(value: float) -> str:
    """A positive number to three digits, never in powers of ten."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def lines(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The table in words, the headings first: case, our time, the others as multiples of ours, what else."""
    case = list(dict.fromkeys(name for row in rows for name in row["case"]))
    tools = list(dict.fromkeys(name for row in rows for name in row["seconds"]))
    also = list(dict.fromkeys(name for row in rows for name in row["also"]))
    found = [[*case, *tools, *also]]
    for row in rows:
        cells = [str(row["case"].get(name, "")) for name in case]
        ours = next(iter(row["seconds"].values()), None)
        for name in tools:
            seconds = row["seconds"].get(name)
            first = name == next(iter(row["seconds"]), None)
            cells.append(
                "–" if seconds is None else duration(seconds) if first else f"{three(seconds / ours)}×"
            )
        found.append([*cells, *(str(row["also"].get(name, "")) for name in also)])
    return found


def parts(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows that follow one another with the same first tool: one of another kind is a table of its own."""
    return [list(alike) for _, alike in groupby(rows, key=lambda row: next(iter(row["seconds"]), None))]


def markdown(name: str, entry: Mapping[str, Any]) -> str:
    """One benchmark's part of the page, without its heading."""
    grids = []
    for head, *body in map(lines, parts(entry["rows"])):
        ruled = [head, ["---"] * len(head), *body]
        grids.append("\n".join("| " + " | ".join(cells) + " |" for cells in ruled))
    grid = "\n\n".join(grids)
    tools = ", ".join(f"{tool} {number}" for tool, number in entry["versions"].items())
    return (
        f"{about(name)}\n\n{grid}\n\n*{entry['date']}, {entry['machine']}; {tools}.* "
        f"Again: `make benchmarks ONLY={name}`.\n"
    )


def series(rows: list[dict[str, Any]], against: str) -> dict[str, list[tuple[float, float]]]:
    """(size, seconds) by tool, over the longest list of rows whose cases differ in `against` alone."""
    alike: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        others = {name: value for name, value in row["case"].items() if name != against}
        alike.setdefault(json.dumps(others), []).append(row)
    chosen = sorted(max(alike.values(), key=len), key=lambda row: row["case"][against])
    found: dict[str, list[tuple[float, float]]] = {}
    for row in chosen:
        for tool, seconds in row["seconds"].items():
            if seconds is not None:
                found.setdefault(tool, []).append((row["case"][against], seconds))
    return {tool: points for tool, points in found.items() if len(points) > 2}


def power(points: list[tuple[float, float]]) -> float:
    """How fast the cost grows at the end: p where cost ∝ size^p between the last two points."""
    (size, seconds), (larger, longer) = points[-2:]
    return math.log(longer / seconds) / math.log(larger / size)


def growth(found: Mapping[str, list[tuple[float, float]]], against: str) -> Figure:
    """Cost against size, both logarithmic, with the names at the ends of the lines."""
    figure, axes = subplots()
    for ink, (tool, points) in zip(SERIES, found.items(), strict=False):
        sizes, seconds = zip(*points, strict=True)
        axes.loglog(sizes, seconds, "o-", color=ink, label=f"{tool}: power {power(points):.1f}")
    axes.set(xlabel=against, ylabel="seconds")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left", frameon=False)
    return figure


class Benchmark(SphinxDirective):
    """The directive."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"growth": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """A section for one benchmark: words, table, and the drawings that were asked for."""
        name = self.arguments[0]
        self.env.note_dependency(str(TABLE))
        self.env.note_dependency(str(ROOT / "benchmarks" / f"{name}.py"))
        entry = table()[name]
        return [*self.parse_text_to_nodes(markdown(name, entry)), *self.drawings(name, entry["rows"])]

    def drawings(self, name: str, rows: list[dict[str, Any]]) -> Iterator[nodes.Node]:
        """A figure for each quantity that `growth` names."""
        for against in filter(None, self.options.get("growth", "").split()):
            found = series(rows, against)
            alt = f"Lines of cost against {against}, one for each of {', '.join(found)}, on logarithmic axes."
            with matplotlib.rc_context():
                use_style()
                pair = draw(growth(found, against))
            svg = inline_both([pair], prefix=f"ep-{name}-{against}", alt=alt)
            told = f"Cost against {against}. Power: the exponent of the growth between the last two points."
            figure = nodes.figure("", nodes.raw("", svg, format="html"), nodes.caption(told, told))
            self.state.document.note_explicit_target(figure)
            figure["ids"] = figure["names"] = [f"fig-{name}-{against}"]
            yield figure


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
