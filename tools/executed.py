"""What the checked cells showed when the book was built, beside what the notebooks store of it."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.fresh_outputs import CACHES, CODE, digest
from tools.normalise_notebooks import is_checked


def differences(notebook: NotebookNode, build: Path, root: Path) -> list[str]:
    """The checked cells of a notebook that showed something else in the last build, one line each.

    build: the folder `_build` of the book in `root`. Raises LookupError where today's notebook was not
    executed with today's code.
    """
    code = _code(notebook)
    cache = build / CACHES / digest(root, *CODE)
    for path in cache.glob("executed/*/base.ipynb"):
        executed = _code(nbformat.read(path, as_version=4))
        if [cell.source for cell in executed] == [cell.source for cell in code]:
            break
    else:
        raise LookupError(f"{cache} has no such notebook: run `make book`")
    pairs = zip(code, executed, strict=True)
    return [
        f"code cell {number} stores {shown(stored)!r}, but showed {shown(ours)!r}"
        for number, (stored, ours) in enumerate(pairs)
        if is_checked(stored) and shown(stored) != shown(ours)
    ]


def shown(cell: NotebookNode) -> dict[str, list[str]]:
    """The texts that a cell shows, by their kind; those of a stream as one, however they came in."""
    found: dict[str, list[str]] = {}
    for output in cell.outputs:
        if output.output_type == "stream":
            found[output.name] = ["".join((*found.get(output.name, []), output.text))]
        elif output.output_type == "error":
            found.setdefault("error", []).append(output.evalue)
        else:
            for kind, text in output.data.items():
                found.setdefault(kind, []).append(text)
    return found


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
