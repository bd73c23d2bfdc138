"""Sphinx extension: the search of the book finds sections, by their words and not by their code.

Sphinx's own index knows pages only, counts code, formulas and the bibliography as words, and shows nothing of
what it found where a page is opened from the disk. Here the index is made from the written pages: one entry
for each section, theorem and named box, with the text that `search.js` shows an excerpt of. It stands in
`_static/sections.js`, and `search.js` in the place of Sphinx's script; `book_pages.py` lets the pages ask for
them alone.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

HERE = Path(__file__).parent
NOT_READ = (
    "script, style, svg, .ep-tex, .headerlink, .cell_input, .highlight, .ep-controls, summary, .solution"
)
NOT_READ += ", table.dataframe, .output.text_plain, .output.stream, .ep-noscript"
BOXES = "div.proof, div.exercise"
INDEX = re.compile(r'\s*<script src="(?:\.\./)*(?:_static/language_data\.js|searchindex\.js)"></script>')
SCRIPT = re.compile(r'\s*<script src="(?:\.\./)*_static/searchtools\.js"></script>')


def sections(page: str) -> Iterator[tuple[str, str, str]]:
    """(anchor, title, text) of each section and of each theorem of a page, without what lies in others."""
    article = BeautifulSoup(page, "html.parser").select_one("article.bd-article")
    if article is None:
        return
    for each in article.select(NOT_READ):
        each.decompose()
    boxes = [box for box in article.select(BOXES) if box.get("id") and box.select_one(".admonition-title")]
    # Innermost first: what was read is taken out, so that a word belongs to one place.
    found = []
    for place in reversed(list(article.find_all("section")) + boxes):
        if place.get("id") is None:
            continue
        heading = (
            place.select_one(".admonition-title")
            if place.name == "div"
            else place.find(re.compile("^h[1-6]$"))
        )
        title = _text(heading.extract()) if heading else ""
        if title:
            found.append((str(place["id"]), title, _text(place)))
            place.extract()
    yield from reversed(found)


def _text(tag: Tag) -> str:
    return re.sub(r"\s+([,.;:?!)])", r"\1", " ".join(tag.get_text(" ").split()))


def documents(app: Sphinx) -> list[str]:
    """The pages in the order of the table of contents, without the bibliography."""
    order = [app.config.root_doc]
    for name in order:
        order += [child for child in app.env.toctree_includes.get(name, []) if child not in order]
    return [name for name in order if "bibliography" not in name]


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the index, and put the book's script in the place of Sphinx's."""
    if exception is not None or app.builder.format != "html" or app.builder.name == "singlehtml":
        return
    out = Path(app.outdir)
    entries = []
    for name in documents(app):
        path = out / f"{name}.html"
        if not path.exists():
            continue
        found = list(sections(path.read_text(encoding="utf-8")))
        page = found[0][1] if found else name
        for index, (anchor, title, text) in enumerate(found):
            where = f"{name}.html" + (f"#{anchor}" if index else "")
            entries.append({"page": page, "title": title, "where": where, "text": text})
    written = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    for name in ("searchindex.js", "_static/language_data.js"):  # what Sphinx would search in
        (out / name).unlink(missing_ok=True)
    (out / "_static" / "sections.js").write_text(f"const SECTIONS = {written};\n", encoding="utf-8")
    shutil.copyfile(HERE / "search.js", out / "_static" / "searchtools.js")


def no_index_of_theirs(app: Sphinx) -> None:
    """Let Sphinx write its page of the search, but read no page for it and leave no index behind."""
    if app.builder.format == "html":
        builder: Any = app.builder
        builder.load_indexer = builder.index_page = builder.dump_search_index = lambda *_: None


def without_theirs(html: str, *, searches: bool) -> str:
    """A page that asks for no index of Sphinx's, and for the book's own search only where it `searches`.

    Jupyter Book asks for both on every page; Sphinx's index fails where Sphinx's script is gone.
    """
    html = INDEX.sub("", html)
    if not searches:
        return SCRIPT.sub("", html)
    if "sections.js" in html:
        return html
    return SCRIPT.sub(
        lambda tag: f'\n<script src="_static/sections.js"></script>{tag.group()}', html, count=1
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.connect("builder-inited", no_index_of_theirs)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
