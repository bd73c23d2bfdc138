"""The page shows what today's code computes: tried on a book of one page with a helper of one line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
CONFIG = f"""
title: tiny
only_build_toc_files: true
execute: {{execute_notebooks: cache, stderr_output: error, show_tb: true}}
sphinx: {{local_extensions: {{fresh_outputs: {ROOT / "tools"}}}}}
"""
# Each execution leaves a line in runs.txt: the only sure sign that a cell ran and was not taken from a cache.
CELL = """
from pathlib import Path
from epbook import value
with Path("runs.txt").open("a") as runs: runs.write("run\\n")
print(f"the helper says {value}")
"""


@pytest.fixture
def book(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Page"), nbformat.v4.new_code_cell(CELL.strip())],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, tmp_path / "page.ipynb")
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    helper(tmp_path, 1)
    return tmp_path


def helper(book, value):
    (book / "epbook").mkdir(exist_ok=True)
    (book / "epbook" / "__init__.py").write_text(f"value = {value!r}\n")
    # Two edits within a second look alike to Python, which would run the old bytecode.
    shutil.rmtree(book / "epbook" / "__pycache__", ignore_errors=True)


def build(book):
    """Build the tiny book as `make book` builds ours; what it complains about, None where it is content."""
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-n", "-W", "--keep-going"]
    environment = {**os.environ, "PYTHONPATH": str(book)}  # the kernel finds the tiny epbook before ours
    done = subprocess.run(command, cwd=book, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else None


def shown(book):
    page = (book / "_build" / "html" / "page.html").read_text()
    return re.findall(r"the helper says (\d+)", page)


def runs(book):
    return (book / "runs.txt").read_text().count("run")


def test_an_edited_helper_reaches_the_page_and_an_unchanged_one_is_not_run_again(book):
    assert build(book) is None
    assert (shown(book), runs(book)) == (["1"], 1)
    assert build(book) is None
    assert (shown(book), runs(book)) == (["1"], 1)

    helper(book, 2)
    assert build(book) is None
    assert (shown(book), runs(book)) == (["2"], 2)

    (book / "requirements.txt").write_text("numpy==2.4.6\n")
    assert build(book) is None
    assert (shown(book), runs(book)) == (["2"], 3)
    assert len(list((book / "_build" / ".jupyter_cache").iterdir())) == 1


def test_an_edited_style_of_the_site_makes_the_pages_anew_but_runs_nothing_again(book):
    (book / "web").mkdir()
    (book / "web" / "looks.py").write_text("LOOKS = 1\n")
    assert build(book) is None
    page = book / "_build" / "html" / "page.html"
    page.write_text("an old page")
    assert build(book) is None
    assert page.read_text() == "an old page"  # Sphinx looks at the age of the source alone
    (book / "web" / "looks.py").write_text("LOOKS = 2\n")
    assert build(book) is None
    assert (shown(book), runs(book)) == (["1"], 1)


def test_a_failed_build_fails_again_until_the_cause_is_gone(book):
    page = book / "page.ipynb"
    sound = page.read_text()
    page.write_text(sound.replace('"# Page"', '"# Page\\n\\n{ref}`nowhere`"'))
    assert "undefined label: 'nowhere'" in build(book)
    assert "undefined label: 'nowhere'" in build(book)
    page.write_text(sound)
    assert build(book) is None
    assert runs(book) == 1


def test_a_failing_cell_fails_every_build(book):
    (book / "epbook" / "__init__.py").write_text("raise RuntimeError('broken helper')\n")
    assert "broken helper" in build(book)
    assert "broken helper" in build(book)


def test_code_that_was_edited_during_a_build_is_not_believed_afterwards(book):
    page = book / "page.ipynb"
    edit = "Path('epbook/__init__.py').write_text('value = 2')"
    page.write_text(page.read_text().replace("from epbook import value", f"from epbook import value; {edit}"))
    assert build(book) is None
    assert (shown(book), runs(book)) == (["1"], 1)
    helper(book, 1)
    assert build(book) is None
    assert runs(book) == 2
