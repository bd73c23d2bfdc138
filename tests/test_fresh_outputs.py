"""The page shows what today's code computes: the extension on a stub, then on a book of one page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from tools import fresh_outputs

ROOT = Path(__file__).parents[1]


@pytest.fixture
def app(tmp_path):
    """As much of Sphinx as the extension asks for, on a folder with a helper of one line."""
    write(tmp_path / "epbook" / "__init__.py", "value = 1\n")
    config = SimpleNamespace(nb_execution_cache_path="", looks="")
    build = tmp_path / "_build"
    return SimpleNamespace(
        srcdir=tmp_path, outdir=build / "html", doctreedir=build / ".doctrees", config=config, _warncount=0
    )


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def executed(app):
    """Begin a build; the folder in which it looks for executed notebooks, with one of them in it."""
    fresh_outputs.start(app, app.config)
    cache = Path(app.config.nb_execution_cache_path)
    write(cache / "notebook", "executed")
    return cache


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epbook/__init__.py", "value = 2\n"),
        ("epbook/room/deep.py", ""),
        ("epbook/page/look.css", "a {}"),
        ("requirements.txt", "numpy==2.4.6\n"),
    ],
)
def test_outputs_are_sought_under_the_name_of_all_code_that_a_cell_can_import(app, name, text):
    before = executed(app)
    assert executed(app) == before
    write(app.srcdir / name, text)
    after = executed(app)
    assert after != before
    (app.srcdir / name).unlink()
    assert executed(app) != after


def test_pages_and_bytecode_are_no_code(app):
    before = executed(app)
    write(app.srcdir / "epbook" / "__pycache__" / "x.pyc", "")
    write(app.srcdir / "book" / "page.ipynb", "")
    assert executed(app) == before


def test_an_edited_style_of_the_site_makes_the_pages_anew_but_runs_nothing_again(app):
    before, looks = executed(app), app.config.looks
    write(app.srcdir / "web" / "looks.py", "LOOKS = 1\n")
    assert executed(app) == before
    assert app.config.looks != looks


def test_a_finished_build_keeps_its_pages_and_only_its_own_outputs(app):
    old = executed(app)
    write(app.srcdir / "epbook" / "__init__.py", "value = 2\n")
    new = executed(app)
    write(old.parent / "global.db", "")  # what a program leaves that looks for outputs one folder too high
    fresh_outputs.finish(app, None)
    write(Path(app.doctreedir) / "page.doctree", "")
    executed(app)
    assert (old.exists(), new.exists()) == (False, True)
    assert (Path(app.doctreedir) / "page.doctree").exists()


@pytest.mark.parametrize(("warnings", "error"), [(1, None), (0, RuntimeError("a failing cell"))])
def test_pages_of_a_build_that_did_not_end_well_are_read_again(app, warnings, error):
    executed(app)
    write(Path(app.doctreedir) / "page.doctree", "")
    app._warncount = warnings
    fresh_outputs.finish(app, error)
    cache = executed(app)
    assert not (Path(app.doctreedir) / "page.doctree").exists()
    assert (cache / "notebook").exists()


def test_code_that_was_edited_during_a_build_is_not_believed_afterwards(app):
    cache = executed(app)
    write(app.srcdir / "epbook" / "__init__.py", "value = 2\n")
    fresh_outputs.finish(app, None)
    assert not cache.exists()


CONFIG = f"""
title: tiny
only_build_toc_files: true
execute: {{execute_notebooks: cache, stderr_output: error, show_tb: true}}
sphinx: {{local_extensions: {{fresh_outputs: {ROOT / "tools"}}}}}
"""
# Each execution leaves a line in runs.txt: the only sure sign that a cell ran and was not taken from a cache.
CELL = """
from pathlib import Path
from IPython.display import SVG
from epbook import value
with Path("runs.txt").open("a") as runs: runs.write("run\\n")
print(f"the helper says {value}")
SVG("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 0L9 9'/></svg>")
"""


def build(book):
    """Build the tiny book as `make book` builds ours: (what it complains about, the page, number of runs)."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-n", "-W", "--keep-going"]
    environment = {**os.environ, "PYTHONPATH": str(book)}  # the kernel finds the tiny epbook before ours
    shutil.rmtree(book / "epbook" / "__pycache__", ignore_errors=True)  # two edits within a second look alike
    done = subprocess.run(command, cwd=book, env=environment, capture_output=True, text=True, check=False)
    complaint = done.stdout + done.stderr if done.returncode else None
    page = (book / "_build" / "html" / "page.html").read_text()
    return complaint, page, (book / "runs.txt").read_text().count("run")


def test_a_book_of_one_page(tmp_path):
    def page(heading, caption, alt):
        figure = {"image": {"alt": alt}, "figure": {"caption": caption, "name": "fig-line"}}
        cells = [
            nbformat.v4.new_markdown_cell(f"# {heading}", id="heading"),
            nbformat.v4.new_code_cell(CELL.strip(), id="drawing", metadata={"mystnb": figure}),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, tmp_path / "page.ipynb")

    write(tmp_path / "_config.yml", CONFIG)
    write(tmp_path / "_toc.yml", "format: jb-book\nroot: page\n")
    write(tmp_path / "epbook" / "__init__.py", "value = 1\n")
    page("Page", "A caption.", "a line")
    complaint, html, runs = build(tmp_path)
    assert (complaint, runs, re.findall(r"the helper says (\d+)", html)) == (None, 1, ["1"])
    assert "A caption." in html
    assert 'alt="a line"' in html

    # Another caption and text are shown and run nothing; a broken link is told, and told again.
    page("Page {ref}`nowhere`", "Another caption.", "a diagonal")
    complaint, html, runs = build(tmp_path)
    assert "undefined label: 'nowhere'" in complaint
    assert runs == 1
    assert "Another caption." in html
    assert 'alt="a diagonal"' in html
    assert "undefined label: 'nowhere'" in build(tmp_path)[0]

    page("Page", "Another caption.", "a diagonal")
    write(tmp_path / "epbook" / "__init__.py", "value = 2\n")
    complaint, html, runs = build(tmp_path)
    assert (complaint, runs, re.findall(r"the helper says (\d+)", html)) == (None, 2, ["2"])

    write(tmp_path / "epbook" / "__init__.py", "raise RuntimeError('broken helper')\n")
    assert "broken helper" in build(tmp_path)[0]
