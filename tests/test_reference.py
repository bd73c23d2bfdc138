"""The reference: nothing public lacks types, shapes, errors, source, example; pages and entries are tied."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from bs4 import BeautifulSoup
from built_book import REFERENCE
from docutils.core import publish_doctree
from test_house import PUBLIC

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("api", ROOT / "web" / "api.py")
api = sys.modules.setdefault("api", importlib.util.module_from_spec(spec))
spec.loader.exec_module(api)

ARRAYS = re.compile(r"Tensor|NDArray|ndarray")
SHAPE = re.compile(r"\((\w+|\d+), ?[\w ,×·]*\)|\(\w+,\)|shape|\w ?× ?\w|by \w+|parameters_to_vector")
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}


def lacks(function):
    """What a reader of the reference would miss."""
    text = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    types = [each.annotation for each in signature.parameters.values()] + [signature.return_annotation]
    missing = []
    if any(each is inspect.Parameter.empty for each in types):
        missing.append("types")
    if any(ARRAYS.search(str(each)) for each in types) and not SHAPE.search(text):
        missing.append("shapes")
    if not re.search(r"\b[Rr]aises?\b|Error where", text):
        missing.append("errors")
    if not re.search(r"\bSources?:", text):
        missing.append("source")
    if ">>>" not in text:
        missing.append("example")
    return missing


def test_no_public_function_lacks_types_shapes_errors_source_or_example():
    assert len(FUNCTIONS) > 80
    found = {name: lacks(function) for name, function in FUNCTIONS.items()}
    assert {name: missing for name, missing in found.items() if missing} == {}


WHOLE = """The loss of a model, as in every section and figure.

    x: (n, d). Raises ValueError for an error.
    Source: theorem 1.

    >>> 1
    1
    """


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("nothing", []),
        ("(n, d)", ["shapes"]),
        ("Raises ValueError for an error.", ["errors"]),
        ("Source: theorem 1.", ["source"]),
        (">>> 1", ["example"]),
    ],
)
def test_the_count_sees_what_is_missing(without, missing):
    def documented(x: torch.Tensor) -> float: ...

    documented.__doc__ = WHOLE.replace(without, "")
    assert lacks(documented) == missing
    del documented.__annotations__["x"]
    assert lacks(documented) == ["types", *(each for each in missing if each != "shapes")]


def test_every_function_of_a_room_with_a_page_is_in_the_reference():
    wanted = {f"epbook.{name}" for name in PUBLIC if name.split(".")[0] in api.ROOMS}
    assert wanted == set(api.entries())
    assert [Path(name).stem for name in REFERENCE] == list(api.ROOMS)


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        ("split", "epbook.embedding.split"),
        ("training.train_adam", "epbook.training.train_adam"),
        ("critical.relu_minima", "epbook.critical.relu_minima"),
        ("layers", None),
        ("nothing.like_it", None),
    ],
)
def test_code_is_traced_to_its_entry(words, entry):
    assert api.USE.fullmatch(f"ep.{words}")[1] == words
    assert api.resolve(words) == entry


@pytest.mark.parametrize("name", sorted(api.entries()))
def test_a_docstring_is_read_as_it_stands(name):
    """No letter of |θ|, W_j or a*b is taken for markup, and examples stay code."""
    text = inspect.getdoc(api.entries()[name])
    lines = text.splitlines()
    api.readable(None, "function", name, None, None, lines)
    settings = {
        "report_level": 1,
        "halt_level": 2,
        "warning_stream": SimpleNamespace(write=lambda text: None),
    }
    document = publish_doctree("\n".join(lines), settings_overrides=settings)
    words = re.sub(r"[`\s]", "", text)
    assert re.sub(r"\s", "", document.astext()) == words
    assert [block for block in document.findall() if block.tagname == "doctest_block"] or ">>>" not in text


@pytest.mark.site
@pytest.mark.parametrize("name", REFERENCE)
def test_entries_show_their_example_and_lead_to_the_book_and_back(html, name):
    page = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
    room = Path(name).stem
    for entry, thing in api.entries().items():
        if entry.split(".")[1] == room and inspect.isfunction(thing):
            (signature,) = page.find_all(id=entry)
            assert ">>>" in signature.find_next_sibling("dd").text, entry
    for line in page.select("p.ep-reference"):
        (link,) = line.find_all("a")
        entry = line.find_parent("dl").dt["id"]
        target = BeautifulSoup(
            (html / name).parent.joinpath(link["href"].split("#")[0]).read_text(), "html.parser"
        )
        assert target.find(id=link["href"].split("#")[1])
        if room != "page":
            assert target.select(f'p.ep-reference a[href$="#{entry}"]'), entry
