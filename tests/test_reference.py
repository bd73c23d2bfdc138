"""The reference: nothing public lacks types, shapes, errors, source, example; pages and entries are tied."""

import inspect
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from bs4 import BeautifulSoup
from built_book import CHAPTERS, REFERENCE, ROOT
from doc_shapes import unsaid
from docutils import nodes
from docutils.core import publish_doctree
from test_house import PUBLIC

import epbook
from epbook.__main__ import ROOMS as LISTED

sys.path.insert(0, str(ROOT / "web"))
import api
import api_entries

FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}


def known_to(name):
    """The functions that a docstring may refer to: by full name, or the last part, its own room's first."""
    room = name.rsplit(".", 1)[0]
    own = {each.rsplit(".", 1)[1]: thing for each, thing in FUNCTIONS.items() if each.startswith(f"{room}.")}
    return {each.rsplit(".", 1)[1]: thing for each, thing in FUNCTIONS.items()} | own | FUNCTIONS


def lacks(function, known):
    """What a reader of the reference would miss."""
    text, *example = (inspect.getdoc(function) or "").split(">>>")
    signature = inspect.signature(function)
    types = [each.annotation for each in signature.parameters.values()] + [signature.return_annotation]
    missing = []
    if any(each is inspect.Parameter.empty for each in types):
        missing.append("types")
    if unsaid(function, known):
        missing.append("shapes")
    if not re.search(r"\b[Rr]aises?\b|Error where", text):
        missing.append("errors")
    if not re.search(r"\bSources?:", text):
        missing.append("source")
    if not example:
        missing.append("example")
    return missing


def test_no_public_function_lacks_types_shapes_errors_source_or_example():
    assert len(FUNCTIONS) > 80
    found = {name: lacks(function, known_to(name)) for name, function in FUNCTIONS.items()}
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
        ("x: ", ["shapes"]),
        ("Raises ValueError for an error.", ["errors"]),
        ("Source: theorem 1.", ["source"]),
        (">>> 1", ["example"]),
    ],
)
def test_the_count_sees_what_is_missing(without, missing):
    def documented(x: torch.Tensor) -> float: ...

    documented.__doc__ = WHOLE.replace(without, "")
    assert lacks(documented, {}) == missing
    del documented.__annotations__["x"]
    assert lacks(documented, {}) == ["types", *(each for each in missing if each != "shapes")]


def test_a_shape_counts_where_it_is_said_of_the_array():
    def known(x: torch.Tensor, y: torch.Tensor) -> None:
        """x, y: (n, d)."""

    def said(x: torch.Tensor, y: torch.Tensor, h: int) -> torch.Tensor: ...

    for text, missing in {
        "x, y: (n, d). Returns (n,).": [],
        "x (n, d), y: (n, 2k). Returns one number.": [],
        "x, y: as in `known`. Returns (P, P).": [],
        "x: (n, d), y: as `loss` takes it. Returns (n,).": [],
        "x: (n, d). y: numbers. Returns (n,).": ["y"],
        "x, y: (n, d). Returns what `f` does.": ["return"],
        "x, y: by ξ. Returns (n,).": ["x", "y"],
        "x, y: as in `other`. Returns (n,).": ["x", "y"],
        "x, y: (net, report). Returns the shape.": ["x", "y", "return"],
        ">>> f  # x, y: (n, d), (n,)": ["x", "y", "return"],
    }.items():
        said.__doc__ = text
        assert unsaid(said, {"known": known}) == missing, text


def test_every_function_of_a_room_with_a_page_is_in_the_reference():
    wanted = {f"epbook.{name}" for name in PUBLIC if name.rsplit(".", 1)[0] in api_entries.ROOMS}
    assert wanted == set(api.entries())
    assert [Path(name).stem for name in REFERENCE] == [room.rsplit(".", 1)[-1] for room in api_entries.ROOMS]
    assert {*LISTED} == {*api_entries.ROOMS}  # by `python -m epbook`


@pytest.mark.parametrize("name", epbook.__all__)
def test_what_the_package_offers_by_name_is_in_the_reference(name):
    if inspect.ismodule(thing := getattr(epbook, name)):
        assert thing.__name__.removeprefix("epbook.") in api_entries.ROOMS
    elif callable(thing):
        assert api.resolve(name), name


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        ("split", "epbook.embedding.split"),
        ("training.train_adam", "epbook.training.train_adam"),
        ("critical.relu_minima", "epbook.critical.relu_minima"),
        ("layers", "epbook.given.layers"),
        ("losses.softmax_mse", "epbook.losses.softmax_mse"),
        ("figures.training.target", None),
        ("plan.embed", "epbook.embedding.plan.embed"),
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


def test_python_has_nothing_to_say_of_a_field():
    lines = [epbook.page.Card.page.__doc__]
    assert lines[0].startswith("Alias")
    api.readable(None, "attribute", "epbook.page.Card.page", None, None, lines)
    assert lines == []


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("Use ``ep.split`` here.", "book/api/embedding.html#epbook.embedding.split"),
        ("Use ``ep.layers()`` here.", "book/api/given.html#epbook.given.layers"),
        ("Use ``ep.plan.embed`` here.", "book/api/plan.html#epbook.embedding.plan.embed"),
        ("As in ``epbook.units.split``.", "book/api/units.html#epbook.units.split"),
        ("Use ``ep.split(net)``, ``split``, ``ep.no_such`` or ``ep.units`` here.", None),
        ("``ep.split`` in a heading\n=========================\n\nText.", None),
        ("See `ep.split <other.html>`_ here.", None),
    ],
)
def test_code_in_the_text_that_is_the_name_of_an_entry_leads_to_it(text, leads):
    document, before = publish_doctree(text), publish_doctree(text)
    builder = SimpleNamespace(name="html", get_relative_uri=lambda page, other: f"{other}.html")
    env = SimpleNamespace(epbook_uses={})
    api.link(SimpleNamespace(builder=builder, env=env), document, "book/page")
    assert document.astext() == before.astext()
    links = [each for each in document.findall(nodes.reference) if each.get("internal")]
    assert [each["refuri"] for each in links] == [leads] * bool(leads)
    assert all(len(list(each.findall(nodes.literal))) == 1 for each in links)


# Without code of the package: texts about the book.
ABOUT = {"summary", "credits", "notation", "index", "bibliography"}


@pytest.mark.site
@pytest.mark.parametrize("name", [name for name in CHAPTERS if Path(name).stem not in ABOUT])
def test_the_text_of_a_chapter_leads_to_the_reference(html, name):
    page = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
    links = [link for link in page.select("article a.internal[href^='api/']") if link.text.startswith("ep.")]
    assert links
    for link in links:
        other, anchor = link["href"].split("#")
        entry = BeautifulSoup((html / "book" / other).read_text(encoding="utf-8"), "html.parser")
        assert entry.find(id=anchor), link["href"]  # an entry, or the page of a room


@pytest.mark.site
@pytest.mark.parametrize("name", REFERENCE)
def test_entries_show_their_example_and_lead_to_the_book_and_back(html, name):
    page = BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
    room = Path(name).stem
    for entry, thing in api.entries().items():
        if entry.split(".")[-2] != room:
            continue
        (signature,) = page.find_all(id=entry)
        if inspect.isfunction(thing):
            assert ">>>" in signature.find_next_sibling("dd").text, entry
        lines = signature.find_next_sibling("dd").find_all("p", "ep-reference", recursive=False)
        (line,) = [line for line in lines if "n the book: " in line.text or "On this in" in line.text]
        (link,) = line.find_all("a")
        target = BeautifulSoup(
            (html / name).parent.joinpath(link["href"].split("#")[0]).read_text(), "html.parser"
        )
        assert target.find(id=link["href"].split("#")[1])
        if line.text.startswith("In the book") and room != "page":
            assert target.select(f'p.ep-reference a[href$="#{entry}"]'), entry
