"""The unit tests and the checked cells under other processors, as far as this one can play them.

The same program rounds differently elsewhere: BLAS, ATen, NumPy, MKL and numba choose their loops by the
width of the vectors, the mathematical library by whether the processor multiplies and adds at once, and two
threads sum in another order than one. What is checked must hold under all of these. So each leg runs with one
such choice, and the last one with starts that are moved by one unit in the last place. No leg uses what
another has computed: each has its own copy of the notebooks, and so an empty cache of its own beside it.

`make portability-short` asks for the first leg, the processor least like those of today; beside it,
`make test` says what this one makes of the same tests and cells.

    python -m tools.portability [leg ...]      # the legs named, or all
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.check import PYTEST
from tools.stages import Stage, run

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "_build" / "portability"
AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl")
# As many workers run beside each other as there are cores: a thread that waits must not keep one busy.
TWO_THREADS = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Leg:
    """One choice of loops. needs: what the processor must have; shows: what the libraries must then say."""

    name: str
    variables: dict[str, str]
    needs: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


LEGS = [
    # Neither AVX nor multiply-and-add: the oldest processor for which NumPy and PyTorch are built.
    Leg(
        "Nehalem",
        {
            "OPENBLAS_CORETYPE": "Nehalem",
            "ATEN_CPU_CAPABILITY": "default",
            "NPY_DISABLE_CPU_FEATURES": "beyond the baseline",
            "NUMBA_CPU_NAME": "generic",
            "NUMBA_CPU_FEATURES": "",
            "MKL_CBWR": "COMPATIBLE",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4",
            "OMP_NUM_THREADS": "1",
        },
        needs=("sse4.2",),
        shows=("OpenBLAS Nehalem", "ATen DEFAULT", "NumPy baseline"),
    ),
    Leg(
        "Haswell, two threads",
        {
            "OPENBLAS_CORETYPE": "Haswell",
            "ATEN_CPU_CAPABILITY": "avx2",
            "NUMBA_CPU_NAME": "haswell",
            "NUMBA_CPU_FEATURES": "",
            "MKL_CBWR": "AVX2",
            **TWO_THREADS,
        },
        needs=("avx2", "fma"),
        shows=("OpenBLAS Haswell", "ATen AVX2"),
    ),
    Leg(
        "SkylakeX",
        {
            "OPENBLAS_CORETYPE": "SkylakeX",
            "ATEN_CPU_CAPABILITY": "avx512",
            "NUMBA_CPU_NAME": "skylake-avx512",
            "NUMBA_CPU_FEATURES": "",
            "MKL_CBWR": "AVX512",
            "OMP_NUM_THREADS": "1",
        },
        needs=AVX512,
        shows=("OpenBLAS SkylakeX", "ATen AVX512"),
    ),
    Leg("starts moved by one ulp", {"PYTHONPATH": "one_ulp", **TWO_THREADS}),
]
# Tests of the tools and of the form of the code, which compute nothing.
WITHOUT_NUMBERS = (
    "test_executed.py",
    "test_fresh_outputs.py",
    "test_house.py",
    "test_imports.py",
    "test_makefile.py",
    "test_notebooks.py",
    "test_stages.py",
)
# Notebooks to begin with, so that none is left to one worker alone.
LONGEST = ("reduction", "critical_points")
CHOICES = {name for leg in LEGS for name in leg.variables}

PROBE = """
import json, llvmlite.binding, numpy as np, torch, scipy.linalg
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from threadpoolctl import threadpool_info
beyond = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
blas = [each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"]
shows = {f"OpenBLAS {name}" for name in blas}
shows |= {f"ATen {torch.backends.cpu.get_cpu_capability()}"} | ({"NumPy baseline"} if not beyond else set())
has = [name for name, here in llvmlite.binding.get_host_cpu_features().items() if here]
print(json.dumps({"has": has, "beyond": beyond, "shows": sorted(shows)}))
"""


def probe(variables: dict[str, str]) -> dict[str, list[str]]:
    """What the processor has, and which loops the libraries choose under these variables."""
    plain = {name: value for name, value in os.environ.items() if name not in CHOICES}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env={**plain, **variables}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def copy_of_the_book(leg: Leg) -> list[Path]:
    """The notebooks, the longest first, in a folder of this leg, so that `../.cache` is empty and its own."""
    folder = WORK / leg.name.replace(" ", "-").replace(",", "")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "book").mkdir(parents=True)
    notebooks = sorted(
        (ROOT / "book").glob("*.ipynb"), key=lambda path: (path.stem not in LONGEST, path.name)
    )
    return [Path(shutil.copy(notebook, folder / "book")) for notebook in notebooks]


def stages(legs: list[Leg]) -> Iterator[Stage]:
    """One stage for each leg, in which one run of pytest has the unit tests and the notebooks."""
    here = probe({})
    for leg in legs:
        missing = [name for name in leg.needs if name not in here["has"]]
        if missing:
            yield Stage(leg.name, [], absent=f"this processor has no {', '.join(missing)}")
            continue
        paths = [str(ROOT), *([str(ROOT / "tools" / "one_ulp")] if "PYTHONPATH" in leg.variables else [])]
        variables = {**leg.variables, "PYTHONPATH": os.pathsep.join(reversed(paths))}
        if "NPY_DISABLE_CPU_FEATURES" in variables:
            variables["NPY_DISABLE_CPU_FEATURES"] = " ".join(here["beyond"])
        unlike = [each for each in leg.shows if each not in (now := probe(variables)["shows"])]
        if unlike:
            absent = f"asked for {', '.join(unlike)}, the libraries here take {', '.join(now)}"
            yield Stage(leg.name, [], absent=absent)
            continue
        # Choices of the surroundings that this leg does not make are taken back.
        plain = [f"--unset={name}" for name in sorted(CHOICES - variables.keys())]
        pytest = [*PYTEST, "--no-loadscope-reorder"]  # the notebooks first, in their order
        nbval = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=1800", "-p", "no:cacheprovider"]
        notebooks = copy_of_the_book(leg)
        # What the leg's page on reduction has trained, a test need not train again.
        variables["EPBOOK_CACHE"] = str(notebooks[0].parents[1] / ".cache")
        asked = [*map(str, notebooks), "tests", "epbook", "README.md", "-q", "-m", "not site"]
        asked += [f"--ignore=tests/{name}" for name in WITHOUT_NUMBERS]
        yield Stage(leg.name, ["env", *plain, *pytest, *nbval, *asked], variables)


def main(arguments: list[str] | None = None) -> int:
    """Run the legs asked for; the number of those that failed."""
    parser = argparse.ArgumentParser(description="Unit tests and checked cells under other processors.")
    parser.add_argument("legs", nargs="*", help=f"of: {'; '.join(leg.name for leg in LEGS)}")
    asked = parser.parse_args(arguments)
    unknown = set(asked.legs) - {leg.name for leg in LEGS}
    if unknown:
        parser.error(f"no leg is called {', '.join(sorted(unknown))}")
    os.chdir(ROOT)
    return run(stages([leg for leg in LEGS if leg.name in asked.legs] if asked.legs else LEGS))


if __name__ == "__main__":
    sys.exit(main())
