"""The notebooks of the book are in one form, and the form's checks do see what they are there for."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from notebook_cases import book, code, printed, result

from tools import normalise_notebooks as tool

ALT = {
    "image": {"alt": "Two curves that cross"},
    "figure": {"caption": "See them cross.", "name": "fig-cross"},
}


def complaints(cell):
    return tool.problems(book(cell))


def test_every_notebook_of_the_book_is_in_the_form(capsys):
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


def test_captions_hold_on_a_dark_page_too():
    pages = sorted((Path(tool.__file__).parents[1] / "book").glob("*.ipynb"))
    figures = [
        cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
        for page in pages
        for cell in nbformat.read(page, 4).cells
    ]
    assert any(figures)
    inks = re.compile(r"\b(dark|black|white|pale)\b")  # what these are turns with the page
    assert [caption for caption in figures if inks.search(caption)] == []


def test_only_checked_cells_keep_their_outputs():
    notebook = book(
        code("print(1)  ", outputs=[printed("1\n")], count=3, scrolled=True, tags=["hide-input"]),
        code("2", outputs=[result(**{"text/plain": "2"})], checked=True, count=7),
    )
    notebook.metadata["widgets"] = {"state": {}}
    before = nbformat.writes(notebook)
    plain, checked = (fixed := json.loads(tool.normalise(notebook)))["cells"]
    assert nbformat.writes(notebook) == before
    assert (plain["outputs"], plain["execution_count"]) == ([], None)
    assert (plain["source"], plain["metadata"]) == (["print(1)"], {"tags": ["hide-input"]})
    assert (checked["execution_count"], checked["outputs"][0]["execution_count"]) == (1, 1)
    assert checked["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert fixed["metadata"] == tool.METADATA


def test_normalising_twice_changes_nothing():
    once = tool.normalise(book(code("1 + 1\n", outputs=[result(**{"text/plain": "2"})], checked=True)))
    assert tool.normalise(nbformat.reads(once, as_version=4)) == once


def test_the_first_cell_comes_once_whatever_was_there():
    first = tool.first_cell()
    once = tool.normalise(book(code("1 + 1")), first=first)
    twice = nbformat.reads(once, as_version=4)
    twice.cells[0].source = "of last year"
    twice.cells.reverse()
    for given in (nbformat.reads(once, as_version=4), twice):
        assert tool.normalise(given, first=first) == once
    assert [cell["id"] for cell in json.loads(once)["cells"]] == ["on-colab", "cell-0"]


def test_cell_names_stay_unless_missing_or_doubled_and_line_breaks_in_prose_stay():
    notebook = book(code("1"), code("2"), code("3"), nbformat.v4.new_markdown_cell("a  \nb"))
    notebook.cells[0]["id"] = notebook.cells[1]["id"] = "twin"
    del notebook.cells[2]["id"]
    cells = json.loads(tool.normalise(notebook))["cells"]
    assert [cell["id"] for cell in cells] == ["twin", "cell-1", "cell-2", "cell-3"]
    assert cells[3]["source"] == ["a  \n", "b"]


def test_a_checked_cell_without_a_stored_output_is_refused():
    assert "no stored output" in complaints(code("print(1)", checked=True))[0]
    assert complaints(code("print(1)", checked=True, outputs=[printed("1")], count=1)) == []
    assert complaints(code("print(1)")) == []


@pytest.mark.parametrize(
    "output",
    [
        result(**{"text/plain": "<Figure>", "image/png": "aGk="}),
        result(**{"text/plain": "x", "a/widget": "y"}),
    ],
)
def test_a_checked_cell_holds_text_alone(output):
    assert complaints(code("draw()", checked=True, outputs=[output])) == [
        "cell 0 is checked but stores more than text"
    ]


def test_a_checked_cell_holds_no_error_and_no_stderr():
    noise = nbformat.v4.new_output("stream", name="stderr", text="100%")
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    for output in (noise, error):
        assert "an error or text on stderr" in complaints(code("run()", checked=True, outputs=[output]))[0]


@pytest.mark.parametrize("call", ["interact(draw, a=(0, 1))", "w.interact(draw)", "w.interactive(draw)"])
def test_interact_is_refused(call):
    assert "dead on a built page" in complaints(code(call))[0]


@pytest.mark.parametrize(
    "source",
    ["ep.figures.training.losses(runs)", "f = ep.figures.spectrum(runs)", "if a:\n    ep.figures.losses(b)"],
)
def test_a_figure_without_alt_text_is_refused(source):
    assert complaints(code(source)) == [
        "cell 0 draws a figure without alt, caption, name in its mystnb metadata"
    ]
    half = {"image": {"alt": " "}, "figure": ALT["figure"]}
    assert complaints(code(source, mystnb=half)) == [
        "cell 0 draws a figure without alt in its mystnb metadata"
    ]
    assert complaints(code(source, mystnb=ALT)) == []


@pytest.mark.parametrize(
    "source",
    [
        "ep.page.use_style()",
        "colour = ep.page.width_colour(3)",
        "def draw(a):\n    return ep.figures.losses(a)",
        "draw = lambda a: ep.figures.losses(a)",
        "ep.explore(partial(ep.figures.losses, runs), a=grid)",
    ],
)
def test_a_cell_that_draws_nothing_itself_needs_no_alt_text(source):
    assert complaints(code(source)) == []


def test_a_long_cell_is_refused():
    line = "x = 1\n"
    assert complaints(code(line * tool.LINES + "\n\n")) == []
    assert complaints(code(line * (tool.LINES + 1))) == [
        f"cell 0 has {tool.LINES + 1} lines, more than the {tool.LINES} one can take in at a glance"
    ]


def test_a_magic_is_refused_as_no_plain_python():
    assert "is not plain Python" in complaints(code("%matplotlib inline"))[0]


def test_check_changes_nothing_and_says_what_is_wrong(tmp_path, capsys):
    page = tmp_path / "page.ipynb"
    nbformat.write(book(code("1", outputs=[printed("1")], count=4)), page)
    before = page.read_bytes()
    assert tool.main(["--check", str(page)]) == 1
    assert f"{page}: not normalised" in capsys.readouterr().out
    assert page.read_bytes() == before
    assert tool.main([str(page)]) == 0
    assert tool.main(["--check", str(page)]) == 0
    assert json.loads(page.read_text())["cells"][0]["outputs"] == []


def test_execute_stores_what_the_checked_cells_show_and_nothing_else(tmp_path):
    page = tmp_path / "page.ipynb"
    cells = [code("a = 6 * 7\nprint(a)"), code("print('six')\na", checked=True)]
    nbformat.write(book(*cells), page)
    assert tool.main(["--execute", str(page)]) == 0
    plain, checked = json.loads(page.read_text())["cells"]
    assert plain["outputs"] == []
    assert [output.get("text") or output["data"]["text/plain"] for output in checked["outputs"]] == [
        ["six\n"],
        ["42"],
    ]


def test_execute_stops_at_a_failing_cell_and_leaves_the_file_alone(tmp_path):
    page = tmp_path / "page.ipynb"
    nbformat.write(book(code("1 / 0", checked=True)), page)
    before = page.read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        tool.main(["--execute", str(page)])
    assert page.read_bytes() == before


def test_nbval_sees_a_changed_output(tmp_path):
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider"]
    for stored in ("42", "41"):
        cells = [code("print(6 * 7)", outputs=[printed(f"{stored}\n")], checked=True, count=1)]
        nbformat.write(book(*cells), tmp_path / f"page{stored}.ipynb")
    done = subprocess.run([*command, "-rA"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "PASSED page42.ipynb" in done.stdout
    assert "FAILED page41.ipynb" in done.stdout
