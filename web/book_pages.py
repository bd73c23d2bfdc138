"""Sphinx extension: the last touch on every page that was written, whether by this build or an earlier one.

- No index of Sphinx's, and the book's search on its own page alone.
- What the HTML standard asks (html_rules.py), one viewport, a theme from the start.
- What a link to the page shows elsewhere; and whole addresses on the page for lost readers.
- Without JavaScript: formulas as MathML, and a line that says what rests.
- Tables of data frames with one heading, and true minus signs in them.
- Computed numbers of the prose as one writes them, and no line that ends between a number and its percent.
- Sentences that ask the reader to move something are kept off the printed page.
- The foot of the page leads to the repository, to its issues and to the book as one PDF.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import urljoin

from book_search import without_theirs
from html_rules import valid
from pdf_link import link
from sphinx.application import Sphinx

from epbook.page.lettering import true_minus
from epbook.page.numbers import JOINER

TOUCHED = "<!-- touched -->"
VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')
FRAME = re.compile(r'<table[^>]*class="[^"]*dataframe[^"]*".*?</table>', re.DOTALL)
ROW = re.compile(r"<tr.*?</tr>", re.DOTALL)
CELL = re.compile(r"(<t[hd][^>]*>)(.*?)(</t[hd]>)", re.DOTALL)
# A number that a cell computed, in the prose; and a number with its percent sign.
COMPUTED = re.compile(r'(<span class="pasted-text">)(.*?)(</span>)')
POWER = re.compile(r"(?<=\d)e(?:\+|([-−]))?0*(\d+)$")
PERCENT = re.compile(r"(?<=[\d>]) %(?=[\s.,;:)-])")
# A sentence of the text or of a caption that asks for something only a screen can do.
ASKED = re.compile(r"<(p|figcaption)>.*?</\1>", re.DOTALL)
PROSE = re.compile(r"<(p|figcaption|td)\b[^>]*>.*?</\1>", re.DOTALL)
VERBS, CONTROLS = "Move|Drag|Press|Slide|Play", "slider|[Pp]lay|button|knob"
REQUEST = re.compile(rf"(?<![^\s>])(?:{VERBS})\b[^.:<]*(?:{CONTROLS})[^.:<]*[.:]")
# "Solution to" and the exercise: the blank between them is no part of the link.
LED = re.compile(r"(?<=Solution to)(<a [^>]*>) ")
HIDDEN = "<noscript><style>.ep-tex, .ep-controls, .ep-script { display: none !important; }</style></noscript>"
NOSCRIPT = """<noscript><p class="ep-noscript">Without JavaScript the figures with sliders rest where they
start, and nothing can be searched; all else is here.</p></noscript>
"""
ARTICLE = '<article class="bd-article">'
# A page that no search engine shall list, and what on it leads to a file of the site.
NOWHERE = '<meta name="robots" content="noindex"'
RELATIVE = re.compile(r'\b(href|src|action|data-content_root)="(?!#|[a-z]+:)([^"]*)"')
# The arrow that unfolds the pages below one in the list of pages has no name of its own.
UNFOLDS = re.compile(r"(<a\b[^>]*>([^<]*)</a><details[^>]*>)<summary>")


def touch(page: str, *, name: str, address: str, repository: str, root: str) -> str:
    """The finished page; a page that is finished already is returned as it is.

    name: of the page, without its suffix. address: of the published book. root: the way to the site's top.
    """
    if TOUCHED in page:
        return page
    first = VIEWPORT.search(page)
    page = VIEWPORT.sub("", page)
    head = [first.group().strip() if first else "", *_shared(page, name, address), HIDDEN, TOUCHED]
    page = page.replace("</head>", "\n".join(head) + "\n</head>", 1)
    page = re.sub(r'(<html\b[^>]*?)(?: data-theme="[^"]*")?>', r'\1 data-theme="light">', page, count=1)
    page = page.replace(ARTICLE, ARTICLE + NOSCRIPT, 1)
    page = without_theirs(page, searches=name == "search")
    page = page.replace("fab fa-github", "fa-solid fa-code-branch")  # one sign is not worth a font of 118 kB
    page = valid(page)
    page = UNFOLDS.sub(r'\1<summary aria-label="Pages under \2">', page)
    page = FRAME.sub(lambda match: _table(match.group()), page)
    page = COMPUTED.sub(lambda match: f"{match[1]}{number(match[2])}{match[3]}", page)
    page = PROSE.sub(lambda match: PERCENT.sub("\u00a0%", match.group()), page)
    page = LED.sub(r" \1", page)
    page = ASKED.sub(lambda match: REQUEST.sub(_on_screen, match.group()), page)
    foot = (
        f'<p class="ep-foot"><a href="{repository}">Source of this book</a> · '
        f'<a href="{repository}/issues">Report an error</a> · '
        f'<a href="{repository}/blob/main/CITATION.cff">How to cite</a> · '
        f'<a href="{root}notebooks.zip">All notebooks</a></p>'
    )
    page = re.sub(r'(<footer class="bd-footer-content">)', rf"\1\n{foot}", page, count=1)
    if name == "404":
        page = RELATIVE.sub(lambda match: f'{match[1]}="{urljoin(address, match[2])}"', page)
    return page


def _shared(page: str, name: str, address: str) -> list[str]:
    """What other places show of a link to this page; nothing of a page that none of them shall list."""
    if NOWHERE in page:
        return []
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    told = re.search(r'<meta content="([^"]*)" name="description"', page)
    return [
        f'<meta property="og:{key}" content="{value}">'
        for key, value in {
            "title": html.escape(html.unescape(title.group(1).split("&#8212;")[0].strip())) if title else "",
            "description": told.group(1) if told else "",
            "type": "article",
            "url": f"{address}{name}.html",
            "image": f"{address}_static/sharing.png",
        }.items()
        if value
    ] + ['<meta name="twitter:card" content="summary_large_image">']


def number(text: str) -> str:
    """A computed number as one writes it: 1e-05 as 1e−5, on one line.

    >>> number("1.2e-05").replace(JOINER, "")
    '1.2e−5'
    """
    power = POWER.search(text)
    if power:
        text = f"{text[: power.start()]}e{power[1] or ''}{power[2]}"
    return true_minus(text).replace("e−", f"e{JOINER}−")


def _on_screen(match: re.Match[str]) -> str:
    return f'<span class="ep-screen">{match.group()}</span>'


def _table(table: str) -> str:
    """A data frame's table: the name of its index moves into the one row of headings."""
    rows = ROW.findall(table)
    if len(rows) > 1 and rows[1] in table.split("</thead>")[0]:
        names = [content for _, content, _ in CELL.findall(rows[1])]
        heads = [content for _, content, _ in CELL.findall(rows[0])]
        if len(names) == len(heads) and all(
            not (one and other) for one, other in zip(names, heads, strict=True)
        ):
            merged = iter(one or other for one, other in zip(heads, names, strict=True))
            one = CELL.sub(lambda match: f"{match[1]}{next(merged)}{match[3]}", rows[0])
            table = table.replace(rows[1], "", 1).replace(rows[0], one, 1)
    return CELL.sub(lambda match: f"{match[1]}{true_minus(match[2])}{match[3]}", table)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Touch all pages of the site."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    repository = app.config.html_theme_options.get("repository_url", "").rstrip("/")
    for path in out.rglob("*.html"):
        if "_static" in path.relative_to(out).parts or path == out / "index.html":  # site_meta.py writes that
            continue
        name = path.relative_to(out).with_suffix("").as_posix()
        page = path.read_text(encoding="utf-8")
        done = touch(
            page,
            name=name,
            address=app.config.html_baseurl.rstrip("/") + "/",
            repository=repository,
            root="../" * name.count("/"),
        )
        if done != page:
            path.write_text(done, encoding="utf-8")
    link(out)


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the end of the build."""
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
