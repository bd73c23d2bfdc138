"""Sphinx extension: what search engines, citation managers and lost readers need.

Everything follows from the address of the site in `_config.yml` and from CITATION.cff: the sitemap, the
citation as structured data (schema.org, and the `citation_` tags that Google Scholar and Zotero read), a page
for addresses that do not exist, and one for the address of the book itself, which leads to its first page.
"""

from __future__ import annotations

import functools
import json
import re
from html import escape, unescape
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape as escape_xml
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import yaml
from docutils import nodes
from sphinx.application import Sphinx

NOT_FOUND = """<section>
<h1>There is no such page</h1>
<p>Perhaps it has moved. <a href="book/intro.html">Begin at the beginning</a>, or
<a href="search.html">search the book</a>.</p>
</section>"""
# Who opens the address that is cited goes on at once; who asks what a link to it should show finds that here.
ENTRANCE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={first}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="{description}">
<link rel="canonical" href="{base}">
<link rel="sitemap" type="application/xml" href="sitemap.xml">
<link rel="icon" href="_static/{icon}">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{description}">
<meta property="og:type" content="website">
<meta property="og:url" content="{base}">
<meta property="og:image" content="{base}_static/sharing.png">
<meta name="twitter:card" content="summary_large_image">
{tags}
</head>
<body><p><a href="{first}">{title}</a>: {description}</p></body>
</html>
"""
ALIKE = ("exercise-content", "solution-content", "proof-content")
DESCRIPTION = re.compile(r'(<meta content=")[^"]*(" name="description")')
WITHOUT = ("search", "404")  # not for search engines


@functools.cache  # each page asks
def citation(root: Path) -> dict[str, Any]:
    """What CITATION.cff in this folder says."""
    found: dict[str, Any] = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    return found


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the tags of one page to its head."""
    if app.builder.name != "html":
        return
    base, cited = app.config.html_baseurl, citation(Path(app.srcdir))
    if page in WITHOUT:
        context["pageurl"] = None  # else the theme calls it the one address of what is at no address
        context["metatags"] = context.get("metatags", "") + '<meta name="robots" content="noindex" />'
        return
    title = unescape(re.sub(r"<[^>]+>", "", context.get("title", ""))) or app.config.html_title
    summary = _summary(doctree) or " ".join(cited["abstract"].split())
    first = page == app.config.root_doc
    told = context.get("metatags", "")
    if not first:  # the book's own description stays where the book begins
        told = DESCRIPTION.sub(lambda match: f"{match[1]}{escape(summary, quote=True)}{match[2]}", told)
    chapter = {
        "@context": "https://schema.org",
        "@type": "Chapter",
        "name": title,
        "url": f"{base}{page}.html",
        "description": summary,
        "isPartOf": {"@type": "Book", "name": cited["title"], "url": base},
    }
    context["metatags"] = told + tags(
        app, cited["title"] if first else title, f"{base}{page}.html", _book(app) if first else chapter
    )


def _book(app: Sphinx) -> dict[str, Any]:
    """The whole book in the words of schema.org."""
    cited = citation(Path(app.srcdir))
    return {
        "@context": "https://schema.org",
        "@type": ["Book", "LearningResource"],
        "name": cited["title"],
        "author": [{"@type": "Organization", "name": author["name"]} for author in cited["authors"]],
        "url": app.config.html_baseurl,
        "codeRepository": cited["repository-code"],
        "version": str(cited["version"]),
        "inLanguage": "en",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "keywords": cited["keywords"],
        "description": " ".join(cited["abstract"].split()),
    }


def tags(app: Sphinx, title: str, address: str, data: dict[str, Any]) -> str:
    """How to cite what stands at the address, and what it is."""
    cited = citation(Path(app.srcdir))
    said = {
        "citation_title": title,
        "citation_author": "; ".join(author["name"] for author in cited["authors"]),
        "citation_public_url": address,
        "citation_publication_date": str(app.config.copyright),
        "citation_inbook_title": cited["title"],
    }
    lines = [f'<meta name="{name}" content="{escape(value, quote=True)}" />' for name, value in said.items()]
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    return "\n".join([*lines, f'<script type="application/ld+json">{text}</script>'])


def entrance(app: Sphinx) -> str:
    """The page at the address of the book."""
    base, cited = app.config.html_baseurl, citation(Path(app.srcdir))
    return ENTRANCE.format(
        title=escape(cited["title"]),
        description=escape(app.config.myst_html_meta["description"], quote=True),
        base=base,
        first=f"{app.config.root_doc}.html",
        icon=Path(app.config.html_favicon).name,
        tags=tags(app, cited["title"], base, _book(app)),
    )


def _summary(doctree: nodes.document | None) -> str:
    """The first paragraph of a page that is more than a word, at most 200 characters of it."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else ():
        text = " ".join(paragraph.astext().split())
        if len(text) > 40:
            return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"
    return ""


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the page at the book's address, the sitemap, and all notebooks as one file."""
    if exception is not None or app.builder.name != "html":
        return
    base, out = app.config.html_baseurl, Path(app.outdir)
    pages = sorted(page for page in app.env.found_docs if page not in WITHOUT)
    entries = "".join(f"  <url><loc>{escape_xml(base + page)}.html</loc></url>\n" for page in pages)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    (out / "sitemap.xml").write_text(f"{head}{entries}</urlset>\n", encoding="utf-8")
    with ZipFile(out / "notebooks.zip", "w", ZIP_DEFLATED) as archive:
        for page in pages:
            source = Path(app.env.doc2path(page))
            if source.suffix == ".ipynb":  # a fixed date, so that two builds give the same bytes
                archive.writestr(ZipInfo(source.name), source.read_bytes(), ZIP_DEFLATED)
    (out / "index.html").write_text(entrance(app), encoding="utf-8")


def lost(app: Sphinx) -> Any:
    """The page that GitHub Pages shows for an address that does not exist, at any depth."""
    if app.builder.name != "html":
        return
    yield "404", {"title": "Page not found", "body": NOT_FOUND}, "page.html"


def name_apart(app: Sphinx, doctree: nodes.document) -> None:
    """Give the bodies of exercises and solutions names of their own; proofs too: all were named alike."""
    for number, body in enumerate(doctree.findall(nodes.section)):
        body["ids"] = [f"{name}-{number}" if name in ALIKE else name for name in body["ids"]]


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.connect("doctree-read", name_apart)
    app.connect("html-page-context", describe)
    app.connect("html-collect-pages", lost)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
