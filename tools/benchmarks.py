"""Run the benchmarks and keep what they measured in benchmarks/table.json, of which the book makes a page.

    python -m tools.benchmarks                  all of them       make benchmarks
    python -m tools.benchmarks hessian adam     these; what is kept of the others stays

Each runs in a process of its own. With its rows the table keeps what its file says of it, the date, the
kind of the machine and the versions.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"
TABLE = FOLDER / "table.json"
TOOLS = ("torch", "numpy", "scipy", "numba", "jax", "curvlinops-for-pytorch", "torch-pruning", "gromo")


def names() -> list[str]:
    """All benchmarks, by the names of their files."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "rows")


def machine() -> str:
    """The kind of this machine: processor, cores, system."""
    cpu = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*:\s*(.+)", cpu.read_text(encoding="utf-8")) if cpu.exists() else []
    kind = models[0] if models else platform.processor() or platform.machine()
    return f"{kind} ({platform.machine()}), {os.cpu_count()} cores, {platform.system()}"


def versions() -> dict[str, str]:
    """Of Python and of the tools that are compared."""
    found = {"Python": platform.python_version()}
    for name in TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def measure(name: str) -> dict[str, Any]:
    """Run one benchmark; its entry in the table. Raises CalledProcessError where it fails."""
    print(f"\n{name}", flush=True)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        subprocess.run(
            [sys.executable, FOLDER / f"{name}.py", rows],
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        )
        found = json.loads(rows.read_text(encoding="utf-8"))
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "rows": found,
    }


def main(asked: list[str]) -> None:
    """Measure and keep, one after the other, so that an interrupted run keeps what it has."""
    if unknown := set(asked) - set(names()):
        raise SystemExit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    for name in asked or names():
        entry = measure(name)
        table = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
        kept = {key: value for key, value in {**table, name: entry}.items() if key in names()}
        text = json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False)
        TABLE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
