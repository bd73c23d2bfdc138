"""Keep the notebooks in one form: what a checked cell printed is stored, everything else is computed anew.

    python tools/normalise_notebooks.py            rewrite book/*.ipynb in that form
    python tools/normalise_notebooks.py --check    change nothing, name what is not in it, exit 1
    python tools/normalise_notebooks.py --execute  run the notebooks and store what their checked cells show

The first cell of each is the same: on Colab it installs the package, elsewhere it does nothing; no page
shows it.

A checked cell carries the tag `nbval-check-output`: nbval runs it and compares, and `make test` compares what
it showed when the book was built. It keeps its outputs with an execution count of 1, because nbval passes
over a cell that has neither.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CHECKED = "nbval-check-output"
LINES = 18
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Colab loads a module of its own into each kernel, and by that it is known.
ON_COLAB = """import subprocess
import sys

if "google.colab" in sys.modules:
    extras = "figures,sliders,laboratory,data,certify"
    package = f"epbook[{{extras}}] @ git+{address}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)"""
KEPT_CELL_METADATA = {"tags", "mystnb"}
DRAWS_NOTHING = {"use_style", "width_colour"}


def is_checked(cell: NotebookNode) -> bool:
    """Whether the notebook test compares what the cell prints."""
    return CHECKED in cell.metadata.get("tags", [])


def first_cell() -> NotebookNode:
    """What makes a notebook of this book ready on Colab."""
    address = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    source = ON_COLAB.format(address=address)
    return nbformat.v4.new_code_cell(source, id="on-colab", metadata={"tags": ["remove-cell"]})


def normalise(notebook: NotebookNode, *, first: NotebookNode | None = None) -> str:
    """The text of the notebook in the form of the book, with `first` on top; the one given is left alone."""
    cells, seen = [], set()
    others = [cell for cell in notebook.cells if first is None or cell.get("id") != first.id]
    for index, source in enumerate(others if first is None else [first, *others]):
        name = source.get("id", "")
        if not name or name in seen:
            name = f"cell-{index}"
        seen.add(name)
        kept = sorted(KEPT_CELL_METADATA & source.metadata.keys())
        cell = NotebookNode(
            id=name,
            cell_type=source.cell_type,
            metadata={key: source.metadata[key] for key in kept},
            source=source.source.strip("\n"),
        )
        if cell.cell_type == "code":
            # Two blanks at the end of a line of prose mean a line break: those stay.
            cell.source = "\n".join(line.rstrip() for line in cell.source.split("\n"))
            cell.outputs = [_output(output) for output in source.outputs] if is_checked(cell) else []
            cell.execution_count = 1 if cell.outputs else None
        cells.append(cell)
    fixed = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    fixed.nbformat_minor = 5
    return nbformat.writes(fixed, indent=1) + "\n"


def _output(output: NotebookNode) -> NotebookNode:
    kept = NotebookNode(output)
    if "execution_count" in kept:
        kept.execution_count = 1
    return kept


def problems(notebook: NotebookNode) -> list[str]:
    """What a reader, a phone or the notebook test would stumble over, one line each."""
    found = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            found += [f"cell {index} {problem}" for problem in _problems_of_code(cell)]
    return found


def _problems_of_code(cell: NotebookNode) -> list[str]:
    found = []
    lines = sum(bool(line.strip()) for line in cell.source.splitlines())
    if lines > LINES:
        found.append(f"has {lines} lines, more than the {LINES} one can take in at a glance")
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        return [*found, f"is not plain Python: {error.msg}, line {error.lineno}"]
    names = {_name(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    if any(name.split(".")[-1] in ("interact", "interactive") for name in names):
        found.append("calls interact(), which is dead on a built page: use ep.explore")
    if any(name.startswith("ep.figures.") for name in _calls_on_running(tree)):
        image = cell.metadata.get("mystnb", {}).get("image", {})
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        texts = {"alt": image.get("alt"), "caption": figure.get("caption"), "name": figure.get("name")}
        missing = [key for key, text in texts.items() if not (text or "").strip()]
        if missing:
            found.append(f"draws a figure without {', '.join(missing)} in its mystnb metadata")
    if is_checked(cell):
        if not cell.outputs:
            found.append("is checked but has no stored output, so its test cannot fail: run with --execute")
        if any(set(output.get("data", {})) - {"text/plain", "text/html"} for output in cell.outputs):
            found.append("is checked but stores more than text")
        if any(output.get("name") == "stderr" or output.output_type == "error" for output in cell.outputs):
            found.append("is checked but stores an error or text on stderr")
    return found


def _name(node: ast.expr) -> str:
    """`a.b.c` of an attribute or a name; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _calls_on_running(tree: ast.AST) -> set[str]:
    """Names of what the cell calls when it runs: not what its functions will call later."""
    found = set()
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            found |= _calls_on_running(node)
            if isinstance(node, ast.Call) and _name(node.func).split(".")[-1] not in DRAWS_NOTHING:
                found.add(_name(node.func))
    return found


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run every cell in a kernel of its own, in `folder`, and store the outputs in the notebook."""
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=None, coalesce_streams=True, resources=place).execute()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="change nothing, only say what is wrong")
    mode.add_argument("--execute", action="store_true", help="run the notebooks first")
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks (default: all of book/)")
    options = parser.parse_args(arguments)
    complaints = []
    for path in options.paths or sorted(BOOK.glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.v4.reads(text)
        if options.execute:
            execute(notebook, path.parent)
        fixed = normalise(notebook, first=first_cell() if path.resolve().parent == BOOK else None)
        if options.check and fixed != text:
            complaints.append(f"{path}: not normalised; run python tools/normalise_notebooks.py")
        elif fixed != text:
            path.write_text(fixed, encoding="utf-8")
        complaints += [f"{path}: {problem}" for problem in problems(nbformat.v4.reads(fixed))]
    print("\n".join(complaints), end="\n" if complaints else "")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
