"""Sphinx extension: what search engines, citation managers and lost readers need.

Everything follows from the address of the site in `_config.yml` and from CITATION.cff: the sitemap, the
citation as structured data (schema.org, and the `citation_` tags that Google Scholar and Zotero read), and a
page for addresses that do not exist.
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
<p>Perhaps it has moved. <a href="{base}book/intro.html">Begin at the beginning</a>, or
<a href="{base}search.html">search the book</a>.</p>
</section>"""
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
    authors = [author["name"] for author in cited["authors"]]
    title = unescape(re.sub(r"<[^>]+>", "", context.get("title", ""))) or app.config.html_title
    summary = _summary(doctree) or " ".join(cited["abstract"].split())
    book = {
        "@context": "https://schema.org",
        "@type": ["Book", "LearningResource"],
        "name": cited["title"],
        "author": [{"@type": "Organization", "name": name} for name in authors],
        "url": base,
        "codeRepository": cited["repository-code"],
        "version": str(cited["version"]),
        "inLanguage": "en",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "keywords": cited["keywords"],
        "description": " ".join(cited["abstract"].split()),
    }
    data = (
        book
        if page == app.config.root_doc
        else {
            "@context": "https://schema.org",
            "@type": "Chapter",
            "name": title,
            "url": f"{base}{page}.html",
            "description": summary,
            "isPartOf": {"@type": "Book", "name": cited["title"], "url": base},
        }
    )
    tags = {
        "citation_title": cited["title"] if page == app.config.root_doc else title,
        "citation_author": "; ".join(authors),
        "citation_public_url": f"{base}{page}.html",
        "citation_publication_date": str(app.config.copyright),
        "citation_inbook_title": cited["title"],
    }
    if page in WITHOUT:
        tags = {"robots": "noindex"}
    lines = [f'<meta name="{name}" content="{escape(value, quote=True)}" />' for name, value in tags.items()]
    if page not in WITHOUT:
        text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
        lines.append(f'<script type="application/ld+json">{text}</script>')
    if page == "404":  # it is shown at any depth, and finds its style from there
        lines.insert(0, f'<base href="{base}" />')
    told = context.get("metatags", "")
    if page not in (*WITHOUT, app.config.root_doc):  # the book's own description stays where the book begins
        told = DESCRIPTION.sub(lambda match: f"{match[1]}{escape(summary, quote=True)}{match[2]}", told)
    context["metatags"] = told + "\n".join(lines)


def _summary(doctree: nodes.document | None) -> str:
    """The first paragraph of a page that is more than a word, at most 200 characters of it."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree is not None else ():
        text = " ".join(paragraph.astext().split())
        if len(text) > 40:
            return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"
    return ""


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the sitemap, robots.txt that names it, and all notebooks as one file."""
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
    (out / "robots.txt").write_text(
        f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n", encoding="utf-8"
    )


def lost(app: Sphinx) -> Any:
    """The page that GitHub Pages shows for an address that does not exist, at any depth."""
    if app.builder.name != "html":
        return
    yield (
        "404",
        {"title": "Page not found", "body": NOT_FOUND.format(base=app.config.html_baseurl)},
        "page.html",
    )


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
