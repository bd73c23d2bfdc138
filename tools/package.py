"""The wheel as a stranger installs it: a fresh environment, an empty folder, the README's code, all doctests.

    python -m tools.package --python 3.10 --resolution lowest-direct     make lowest
    python -m tools.package --python 3.13 --resolution highest           make newest

First with what `pip install epbook` brings and nothing else, so that a numeric function that needs more is
found out; then with the extras, for the doctests of figures, sliders and data. `lowest-direct` takes the
lower bounds of pyproject.toml themselves, not their newest successors. $UV_TORCH_BACKEND=cpu spares 2.7 GB
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
EXTRAS = ("figures", "sliders", "laboratory", "data", "certify")
# Rooms and modules whose examples need an extra; all others must do without.
NEED_EXTRAS = ("page", "figures", "lab", "data/digits.py", "data/flowers.py", "data/idx.py")
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
    """The wheel and exactly what the resolution says that these extras need."""
    asked = [word for extra in extras for word in ("--extra", extra)]
    bounds = folder / f"needs-{len(extras)}.txt"
    compile_ = [UV, "pip", "compile", "--quiet", "--no-annotate", "--python", python, "pyproject.toml"]
    call(*compile_, *asked, "--resolution", resolution, "--output-file", bounds)
    call(UV, "pip", "install", "--quiet", "--python", python, "--requirement", bounds, built, "pytest")


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
        call(UV, "pip", "list", "--quiet", "--python", python)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {' '.join(map(str, error.cmd))[:300]}")
