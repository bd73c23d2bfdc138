"""How a benchmark measures, and the form in which every benchmark gives what it measured: rows of a table.

A benchmark is a file here with a function `measure()` that yields rows as they come. Run alone it prints
them; `make benchmarks` runs all, and keeps the rows in `table.json`, from which the book's page is made.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

TURN = 0.05  # seconds: what a contestant does in one turn, if one call takes less


def row(
    case: Mapping[str, Any], seconds: Mapping[str, float | None], also: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One line of the table.

    case: what was measured, by name. seconds: of one call by tool, ours first; None where a tool cannot or
    was not run. also: what else is worth knowing, by name and with its unit in the name.
    """
    return {"case": dict(case), "seconds": dict(seconds), "also": dict(also or {})}


def fastest(
    tools: Mapping[str, Callable[[], Any] | None],
    *,
    rounds: int = 7,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, float | None]:
    """Seconds of one call of each tool: its best of several rounds in which the tools take turns.

    Turns, so that a machine which is slow for a while is slow for all; the best, since whatever disturbs adds
    time. Everything is called once before, for what compiles at the first call.
    """
    best: dict[str, float | None] = dict.fromkeys(tools)
    calls = {}
    for name, tool in tools.items():
        if tool is not None:
            tool()
            begin = clock()
            tool()
            calls[name] = max(1, round(TURN / max(clock() - begin, 1e-9)))
    for _ in range(rounds):
        for name, repeats in calls.items():
            begin, tool = clock(), tools[name]
            for _ in range(repeats):
                tool()
            seconds, before = (clock() - begin) / repeats, best[name]
            best[name] = seconds if before is None else min(before, seconds)
    return best


def line(found: Mapping[str, Any]) -> str:
    """A row for the screen: the case, the seconds, and how many times as long as ours each takes."""
    words = [f"{name} {value}" for name, value in found["case"].items()]
    ours = next(iter(found["seconds"].values()), None)
    for name, seconds in found["seconds"].items():
        words.append(f"{name} " + ("–" if seconds is None else f"{seconds:.3g} s ({seconds / ours:.2f}×)"))
    return "  ".join([*words, *(f"{name} {value}" for name, value in found["also"].items())])


def main(measure: Callable[[], Iterator[dict[str, Any]]]) -> None:
    """Print the rows as they come; write them to the file that is named, if one is."""
    found = []
    for each in measure():
        print(line(each), flush=True)
        found.append(each)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")
