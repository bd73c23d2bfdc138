"""The notebooks as a stranger opens them on Colab: what their first cell installs, and nothing else.

    python -m tools.launch                            every notebook of the book      make launch
    python -m tools.launch book/intro.ipynb           this one

A fresh environment gets what Colab has before the first cell: PyTorch, a kernel, pip, and a module
`google.colab`. Then the notebooks run in an empty folder, with a wheel of this checkout in place of the
address in their first cell. `--keep FOLDER` makes the environment there and leaves it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools.normalise_notebooks import BOOK, ROOT, first_cell
from tools.package import UV, call, wheel

KERNEL = "colab"


def like_colab(environment: Path, python: str) -> Path:
    """A fresh environment with what Colab brings; its interpreter."""
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    brought = re.findall(r"^(?:torch|ipykernel)==.*", locked, re.MULTILINE)
    call(UV, "venv", "--quiet", "--allow-existing", "--seed", "--python", python, environment)
    inside = environment / "bin" / "python"
    call(UV, "pip", "install", "--quiet", "--python", inside, *brought, folder=environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (packages / "google" / "colab" / "__init__.py").touch()
    (packages / "as-on-colab.pth").write_text("import google.colab\n", encoding="utf-8")
    return inside


def kernel_of(python: Path, folder: Path) -> None:
    """Tell Jupyter of a kernel that runs with this interpreter."""
    spec = folder / "kernels" / KERNEL
    spec.mkdir(parents=True)
    start = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": start, "display_name": KERNEL, "language": "python"}), encoding="utf-8"
    )
    os.environ["JUPYTER_PATH"] = str(folder)
    os.environ.pop("PYTHONPATH", None)  # else the kernel would find this checkout


def run(path: Path, built: Path, empty: Path) -> None:
    """Run one notebook in an empty folder. Raises ValueError where it lacks the first cell."""
    notebook = nbformat.read(path, as_version=4)
    if notebook.cells[0].source != first_cell().source:
        raise ValueError(f"{path} lacks the first cell: run python tools/normalise_notebooks.py")
    empty.mkdir()
    notebook.cells[0].source = re.sub(r"git\+[^\"]+", built.as_uri(), notebook.cells[0].source)
    place = {"metadata": {"path": str(empty)}}
    NotebookClient(notebook, timeout=None, kernel_name=KERNEL, resources=place).execute()
    print(f"ran {path.name} on the wheel alone", flush=True)


def main() -> None:
    """Build, make the environment, run; the first cell that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of book/")
    parser.add_argument("--python", default="3.12", help="a version, or the path of an interpreter")
    parser.add_argument("--keep", type=Path, help="make the environment in this folder and leave it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = asked.keep.resolve() if asked.keep else folder / "environment"
        shutil.rmtree(environment, ignore_errors=True)
        built = wheel(folder)
        kernel_of(like_colab(environment, asked.python), folder / "jupyter")
        for path in asked.notebooks or sorted(BOOK.glob("*.ipynb")):
            run(path, built, folder / path.stem)


if __name__ == "__main__":
    main()
