"""What the build showed in the checked cells is what the notebooks store."""

import nbformat
import pytest
from built_book import HTML, ROOT
from notebook_cases import book, code, printed, result

from tools import fresh_outputs
from tools import normalise_notebooks as tool
from tools.executed import differences


@pytest.mark.site
@pytest.mark.parametrize("path", sorted(tool.BOOK.glob("*.ipynb")), ids=lambda path: path.name)
def test_the_build_showed_what_the_checked_cells_store(html, path):
    assert differences(nbformat.read(path, as_version=4), HTML.parent, ROOT) == []


@pytest.fixture
def built(tmp_path):
    """built(*outputs): the book in `tmp_path` is executed, and its only checked cell shows these."""
    (tmp_path / "epbook").mkdir()
    (tmp_path / "epbook" / "__init__.py").write_text("")

    def execute(*outputs):
        name = fresh_outputs.digest(tmp_path, *fresh_outputs.CODE)
        path = tmp_path / "_build" / fresh_outputs.CACHES / name / "executed" / "hash" / "base.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(book(code("import this"), code("print(2)", outputs=outputs, checked=True)), path)

    return execute


STORED = [
    nbformat.v4.new_markdown_cell("Prose."),
    code("import this"),
    code("print(2)", outputs=[printed("1\n2\n"), result(**{"text/plain": "3"})], checked=True),
]


def test_a_build_that_showed_the_same_in_other_pieces_is_content(built, tmp_path):
    built(printed("1\n"), printed("2\n"), result(**{"text/plain": "3"}))
    assert differences(book(*STORED), tmp_path / "_build", tmp_path) == []


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [printed("1\n2\n")],
        [printed("1\n3\n"), result(**{"text/plain": "3"})],
        [printed("1\n2\n"), result(**{"text/plain": "4"})],
        [printed("1\n2\n"), result(**{"text/plain": "3", "text/html": "3"})],
        [printed("1\n2\n"), result(**{"text/plain": "3"}), nbformat.v4.new_output("error", evalue="no")],
    ],
)
def test_a_build_that_showed_something_else_is_told(built, tmp_path, outputs):
    built(*outputs)
    assert len(differences(book(*STORED), tmp_path / "_build", tmp_path)) == 1


@pytest.mark.parametrize("edited", ["notebook", "code"])
def test_a_build_of_other_code_says_nothing_about_this_one(built, tmp_path, edited):
    built(printed("1\n2\n"), result(**{"text/plain": "3"}))
    notebook = book(*STORED)
    if edited == "notebook":
        notebook.cells[1].source = "import that"
    else:
        (tmp_path / "epbook" / "__init__.py").write_text("value = 1")
    with pytest.raises(LookupError, match="make book"):
        differences(notebook, tmp_path / "_build", tmp_path)
