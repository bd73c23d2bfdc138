"""Run commands one after the other, whatever becomes of each, and say at the end which of them failed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

# pytest's summary, and what make, ruff and mypy say of the cause.
TOLD = re.compile(
    r"^(FAILED|ERROR) .*|.*Required test coverage.*not reached.*|^Found \d+ errors?.*|^make: \*\*\*.*"
)


@dataclass(frozen=True)
class Stage:
    """A command with its own variables of the environment.

    needs: names of stages without which it would say nothing. absent: why it cannot run here, if so.
    """

    name: str
    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    absent: str | None = None


def run(stages: Iterable[Stage]) -> int:
    """Run all stages, print a list of what became of each; the number of those that did not pass."""
    lines, failed = [], []
    for stage in stages:
        missing = [name for name in stage.needs if name in failed]
        if stage.absent is not None:
            lines.append(f"skipped  {stage.name}: {stage.absent}")
            continue
        if missing:
            failed.append(stage.name)
            lines.append(f"NOT RUN  {stage.name}: {', '.join(missing)} failed")
            continue
        print(f"\n==== {stage.name}", flush=True)
        begun, cpu = time.monotonic(), sum(os.times()[2:4])
        code, told = _follow(stage)
        took = f"{time.monotonic() - begun:.0f} s, processor {sum(os.times()[2:4]) - cpu:.0f} s"
        lines.append(f"{'passed ' if code == 0 else 'FAILED '}  {stage.name} ({took})")
        if code:
            failed.append(stage.name)
            lines += [f"           {line}" for line in told or [f"exit code {code}"]]
    print("\n==== in all", *lines, sep="\n", flush=True)
    return len(failed)


def _follow(stage: Stage) -> tuple[int, list[str]]:
    """Run a stage and show what it says; its exit code and the lines that name a failure."""
    environment = {**os.environ, **stage.variables}
    told = []
    with subprocess.Popen(
        stage.command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if TOLD.match(line):
                told.append(line.rstrip()[:200])
    return process.returncode, told
