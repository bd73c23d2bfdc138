"""What code a page shows unfolded: little, short, narrow, and no imports; and a figure before all of it."""

import json

import pytest
from page_words import PAGES, ROOT

LINES, COLUMNS, CELLS = 15, 79, 15
HOW_TO = {"book/your_own"}  # code to copy is what it is there for: it comes first
NOTEBOOKS = [name for name in PAGES if (ROOT / f"{name}.ipynb").exists()]


def cells(name):
    return json.loads((ROOT / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def open_cells(found):
    """The code cells that are not folded, as lists of lines; blank ones do not count."""
    code = (cell for cell in found if cell["cell_type"] == "code")
    folded = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
    shown = (cell for cell in code if not folded & {*cell["metadata"].get("tags", [])})
    return [[line for line in "".join(cell["source"]).split("\n") if line.strip()] for cell in shown]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_open_cell_can_be_taken_in_at_a_glance(name):
    found = open_cells(cells(name))
    assert [lines[0] for lines in found if len(lines) > LINES] == []
    assert [line for lines in found for line in lines if len(line) > COLUMNS] == []
    assert len(found) <= CELLS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_imports_are_folded(name):
    found = [line for lines in open_cells(cells(name)) for line in lines]
    assert [line for line in found if line.startswith(("import ", "from "))] == []


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name not in HOW_TO])
def test_the_first_figure_stands_on_the_first_screen(name):
    found = cells(name)
    figures = [at for at, cell in enumerate(found) if "figure" in cell["metadata"].get("mystnb", {})]
    first = min(figures, default=0)  # an appendix may have none
    prose = "".join("".join(cell["source"]) for cell in found[:first] if cell["cell_type"] == "markdown")
    assert len(prose) < 1400
    assert sum(len(lines) for lines in open_cells(found[:first])) <= 8
