"""The wheel as a stranger installs it: a fresh environment, an empty folder, the README's code, all doctests.

    python -m tools.package --python 3.10 --resolution lowest-direct     make lowest
    python -m tools.package --python 3.13 --resolution highest           make newest

First with what `pip install epbook` brings and nothing else, so that a numeric function that needs more is
found out; then with the extras, for the doctests of figures, sliders and data and for a sweep on a small Dask
cluster. The extra `book`, Jupyter Book itself, is what builds the site, from the exact versions of
requirements.txt alone: it is not tried here. `lowest-direct` takes the lower bounds of pyproject.toml
themselves, not their newest successors. $UV_TORCH_BACKEND=cpu spares 2.7 GB
of CUDA libraries where PyTorch's own index can be reached. `--keep FOLDER` makes the environment there and
leaves it. Needs uv and nothing else of the book.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
EXTRAS = ("figures", "sliders", "laboratory", "data", "cluster", "certify")
# Rooms and modules whose examples need an extra; all others must do without.
NEED_EXTRAS = ("page", "figures", "lab", "data/digits.py", "data/flowers.py", "data/idx.py")
# No example starts processes of its own.
ON_A_CLUSTER = """
import epbook as ep
from distributed import Client
from joblib import parallel_config

x, y = ep.data.relu_teacher()
here = ep.train_many([1, 3], 2, x, y, steps=500, lr=0.05)
with Client(n_workers=2, threads_per_worker=1, dashboard_address=None), parallel_config(backend="dask"):
    there = ep.train_many([1, 3], 2, x, y, steps=500, lr=0.05)
assert there.records == here.records, "a cluster computes other numbers"
"""
FLAGS = ["-q", "-p", "no:cacheprovider", "-o", "doctest_optionflags=NORMALIZE_WHITESPACE ELLIPSIS"]


def call(*command: str | Path, folder: Path = ROOT) -> None:
    """Run and show it; CalledProcessError where it fails."""
    print("\n$", *command, flush=True)
    alone = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PIP_CONSTRAINT")
    }
    subprocess.run(
        command, cwd=folder, check=True, env={**alone, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    )


def wheel(folder: Path) -> Path:
    """Build the wheel from a copy of what git would commit, so that nothing left in the folder gets in."""
    source = folder / "source"
    for name in ("epbook", "pyproject.toml", "README.md", "LICENSE"):
        origin, target = ROOT / name, source / name
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
    call(UV, "build", "--quiet", "--wheel", "--out-dir", folder / "dist", source)
    (built,) = (folder / "dist").glob("*.whl")
    return built


def install(python: Path, resolution: str, built: Path, extras: tuple[str, ...], folder: Path) -> None:
    """The wheel and exactly what the resolution says that these extras need.

    In a folder that is not this one, where uv would take the settings of our lock, which is for PyTorch's CPU
    build: the one of PyPI does not start without the CUDA libraries that they leave out.
    """
    asked = [word for extra in extras for word in ("--extra", extra)]
    bounds = folder / f"needs-{len(extras)}.txt"
    needs = [*asked, "--resolution", resolution, "--output-file", bounds, ROOT / "pyproject.toml"]
    call(UV, "pip", "compile", "--quiet", "--no-annotate", "--python", python, *needs, folder=folder)
    wanted = ["--requirement", bounds, built, "pytest"]
    call(UV, "pip", "install", "--quiet", "--python", python, *wanted, folder=folder)


def doctests(python: Path, folder: Path, *arguments: str) -> None:
    """The examples of the installed package, and of the README beside it."""
    files = ["--doctest-modules", "--doctest-glob=README.md", "README.md", "--pyargs", "epbook"]
    call(python, "-m", "pytest", *FLAGS, *arguments, *files, folder=folder)


def main() -> None:
    """Build, install, run; the first thing that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="3.10", help="a version, or the path of an interpreter")
    parser.add_argument("--resolution", default="highest", choices=("highest", "lowest-direct"))
    parser.add_argument("--keep", type=Path, help="make the environment in this folder and leave it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = asked.keep.resolve() if asked.keep else folder / "environment"
        python = environment / "bin" / "python"
        built = wheel(folder)
        call(UV, "venv", "--quiet", "--allow-existing", "--python", asked.python, environment)
        empty = folder / "empty"
        empty.mkdir()
        shutil.copyfile(ROOT / "README.md", empty / "README.md")

        install(python, asked.resolution, built, (), folder)
        call(python, "-m", "epbook", folder=empty)
        where = "import epbook, pathlib; print(pathlib.Path(epbook.__file__).parent)"
        site = subprocess.run([python, "-c", where], cwd=empty, check=True, capture_output=True, text=True)
        package = Path(site.stdout.strip())
        doctests(python, empty, *(f"--ignore={package / name}" for name in NEED_EXTRAS))

        install(python, asked.resolution, built, EXTRAS, folder)
        doctests(python, empty)
        call(python, "-c", ON_A_CLUSTER, folder=empty)
        call(UV, "pip", "list", "--quiet", "--python", python)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {' '.join(map(str, error.cmd))[:300]}")
