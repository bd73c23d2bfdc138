"""Sphinx extension: how `make links` asks whether a link to another place still leads somewhere.

Sphinx asks about the links of the text. Here it is told of the others as well: those around the text of the
built pages (the source, the issues, Binder and Colab, the foot), and those of the project's own papers.

A DOI is looked up in the register that resolves it. Most publishers turn away whoever is not a browser, so
that following a DOI to its end would call every good one broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.builders.linkcheck import Hyperlink

DOI = "https://doi.org/"
REGISTER = f"{DOI}api/handles/"  # answers 200 for a DOI that exists, and 404 for one that does not
PAPERS = ("CITATION.cff", "pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
WRITTEN = re.compile(r"https?://[^\s\"'`<>()\[\]{}]+[^\s\"'`<>()\[\]{}.,:;]")


def address_to_ask(app: Sphinx, uri: str) -> str | None:
    """The register's address of a DOI; None, which leaves the link as it is, for any other."""
    return REGISTER + uri.removeprefix(DOI) if uri.startswith(DOI) else None


def others(root: Path, html: Path, own: str) -> Iterator[tuple[str, Path]]:
    """Addresses of other places, where they stand in the papers at `root` or around the text in `html`.

    own: where the site itself is published; its links are checked as files. What follows a question mark, as
    the title of an issue to be opened, makes no other place.
    """
    for paper in (root / name for name in PAPERS):
        if paper.exists():
            for address in WRITTEN.findall(paper.read_text(encoding="utf-8")):
                if not address.startswith(own):
                    yield address, paper
    for page in sorted(html.rglob("*.html")):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        for link in soup.select("a[href^=http]"):
            address = str(link["href"]).split("?")[0]
            if not (link.find_parent("article") or address.startswith(own)):
                yield address, page


def tell(app: Sphinx) -> None:
    """Put the other addresses among those that will be asked."""
    if app.builder.name != "linkcheck":
        return
    builder: Any = app.builder
    own = app.config.html_baseurl or "https://example.invalid/"
    for address, file in others(Path(app.srcdir), Path(app.outdir).with_name("html"), own):
        uri = address_to_ask(app, address) or address
        builder.hyperlinks.setdefault(uri, Hyperlink(uri, file.name, str(file), -1))


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build; builders other than linkcheck never ask."""
    app.connect("builder-inited", tell)
    app.connect("linkcheck-process-uri", address_to_ask)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
