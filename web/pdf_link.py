"""The link to the book as one PDF: on every page of a site that has the file, and on no page of another.

The build of the site sets it, and so does tools/pdf.py when the file has come later.
"""

from __future__ import annotations

import re
from pathlib import Path

NAME = "embedding-principle.pdf"
# Beside the link to all notebooks, which leads to the same folder.
NOTEBOOKS = re.compile(
    r'(<a href="([^"]*)notebooks\.zip">[^<]*</a>)(?: · <a href="[^"]*embedding-principle\.pdf">[^<]*</a>)?'
)


def linked(page: str, *, there: bool) -> str:
    """The page with the link, or without.

    >>> linked('<a href="../notebooks.zip">All</a>', there=True)
    '<a href="../notebooks.zip">All</a> · <a href="../embedding-principle.pdf">The whole book as PDF</a>'
    """
    pdf = rf' · <a href="\2{NAME}">The whole book as PDF</a>' if there else ""
    return NOTEBOOKS.sub(rf"\1{pdf}", page)


def link(html: Path) -> None:
    """Set the link on all pages of the site in the folder `html`."""
    there = (html / NAME).is_file()
    for path in html.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        if (done := linked(page, there=there)) != page:
            path.write_text(done, encoding="utf-8")
