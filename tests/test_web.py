"""The site's own extensions on small pages: the last touch, formulas without scripts, sections to find."""

import sys
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from built_book import ROOT
from docutils import nodes

sys.path.insert(0, str(ROOT / "web"))
import book_math
import book_search
from book_pages import touch
from book_site import lighten

PAGE = """<html lang="en" data-theme="auto"><head><title>Saddles &#8212; Book</title>
<meta name="viewport" content="a" /><meta name="viewport" content="b" />
<meta content="About saddles." name="description" /></head><body><article class="bd-article">{body}</article>
<footer class="bd-footer-content"></footer></body></html>"""
FRAME = """<table border="1" class="dataframe"><thead><tr><th></th><th>a-b</th></tr>
<tr><th>width</th><th></th></tr></thead><tbody><tr><th>1</th><td>-0.5</td></tr><tr><th>2</th><td>1e-16</td></tr>
</tbody></table>"""


def touched(body):
    return touch(
        PAGE.format(body=body), name="book/a", address="https://b/", repository="https://r", root="../"
    )


def test_the_last_touch_is_given_once():
    once = touched("<p>Text.</p>")
    assert touch(once, name="", address="", repository="", root="") == once
    page = BeautifulSoup(once, "html.parser")
    assert page.html["data-theme"] == "light"
    assert [meta["content"] for meta in page.select("meta[name=viewport]")] == ["a"]
    told = {meta["property"]: meta["content"] for meta in page.select("meta[property]")}
    assert told["og:title"] == "Saddles"
    assert told["og:description"] == "About saddles."
    assert told["og:url"] == "https://b/book/a.html"
    links = {link["href"] for link in page.select("footer a")}
    assert links >= {"https://r", "https://r/issues", "../notebooks.zip"}


def test_the_page_for_lost_readers_has_whole_addresses_and_no_card():
    page = PAGE.replace("</head>", '<meta name="robots" content="noindex" /></head>').format(
        body='<a href="#main">past</a><a href="book/a.html">a</a><script src="_static/a.js"></script>'
    )
    found = BeautifulSoup(
        touch(page, name="404", address="https://b/c/", repository="https://r", root=""), "html.parser"
    )
    assert [link["href"] for link in found.article.select("a")] == ["#main", "https://b/c/book/a.html"]
    assert found.script["src"] == "https://b/c/_static/a.js"
    assert found.select("footer a")[-1]["href"] == "https://b/c/notebooks.zip"
    assert found.select("meta[property], meta[name^=twitter]") == []


def test_a_data_frame_gets_one_heading_and_true_minus_signs():
    table = BeautifulSoup(touched(FRAME), "html.parser").select_one("table.dataframe")
    assert [[cell.text for cell in row.select("th, td")] for row in table.select("tr")] == [
        ["width", "a-b"], ["1", "−0.5"], ["2", "1e−16"]]  # fmt: skip


def test_computed_numbers_are_written_as_numbers_are_and_stay_on_one_line():
    glued = "".join(
        f'<p><span class="pasted-text">{each}</span> % of it, 3 %.</p>' for each in ("1e-05", "-2")
    )
    page = BeautifulSoup(touched(f"{glued}<code>1e-05 % 2</code>"), "html.parser")
    assert [p.text for p in page.select("article p:not(.ep-noscript)")] == [
        "1e\u2060−5\u00a0% of it, 3\u00a0%.", "−2\u00a0% of it, 3\u00a0%."]  # fmt: skip
    assert page.code.text == "1e-05 % 2"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("<p>It falls. Move the slider.</p>", ["Move the slider."]),
        ("<p>Move the slider, and see it fall:</p>", ["Move the slider, and see it fall:"]),
        ("<figcaption><p>A net. Press <b>x</b> or the button. End.</p></figcaption>", []),
        ("<p>Move the start nearer. The slider stays.</p>", []),
        ("<p>Do not move the slider.</p>", []),
    ],
)
def test_requests_are_kept_off_paper(text, hidden):
    page = BeautifulSoup(touched(text), "html.parser")
    assert [each.text for each in page.select(".ep-screen")] == hidden
    assert page.article.p.text in page.article.text


def test_a_full_stop_stays_with_the_formula_before_it():
    paragraph = nodes.paragraph()
    paragraph += [
        nodes.math("", "a"),
        nodes.Text("."),
        nodes.math("", "b"),
        nodes.Text(", and "),
        nodes.math("", "c"),
    ]
    paragraph += [nodes.Text(" is. "), nodes.math("", "d")]
    page = nodes.document(None, None)
    page += paragraph
    book_math.keep_together(None, page, "page")
    assert paragraph.astext() == "a.b, and c is. d"
    assert [pair.astext() for pair in page.findall(nodes.inline)] == ["a.", "b,"]


@pytest.mark.skipif(book_math.convert is None, reason="latex2mathml comes with the book's environment")
def test_a_formula_has_mathml_and_keeps_its_tex():
    inline = book_math.both(r'<span class="math">\(a &lt; b\)</span>', book_math.INLINE, "inline")
    page = BeautifulSoup(inline, "html.parser")
    assert page.select_one("noscript math").text == "a<b"
    assert page.select_one(".ep-tex").text == r"\(a < b\)"
    rows = book_math.both(
        r'<div class="math">\[\begin{split}a &amp;= b\\ c &amp;= d\end{split}\]</div>',
        book_math.DISPLAY,
        "block",
    )
    assert len(BeautifulSoup(rows, "html.parser").select("noscript mtr")) == 2


def test_sections_and_theorems_are_found_apart_and_without_code():
    body = """<section id="top"><h1>Page</h1><p>First words.</p>
    <div class="cell"><div class="cell_input"><pre>import torch</pre></div></div>
    <section id="one"><h2>One<a class="headerlink">#</a></h2>
    <p>Of <span class="math"><noscript><math><mi>a</mi></math>
    </noscript><span class="ep-tex">\\(a\\)</span></span>.</p>
    <div class="proof theorem admonition" id="thm"><p class="admonition-title">Theorem 1 (Rest)</p>
    <p>It rests.</p></div>
    <p>After.</p></section></section>"""
    assert list(book_search.sections(PAGE.format(body=body))) == [
        ("top", "Page", "First words."),
        ("one", "One", "Of a. After."),
        ("thm", "Theorem 1 (Rest)", "It rests."),
    ]


def test_a_page_asks_for_no_index_of_others_and_only_the_search_page_searches():
    page = """<script src="../_static/searchtools.js"></script>
    <script src="../_static/language_data.js"></script>
    <script src="../searchindex.js"></script><script src="../_static/book.js"></script>"""
    assert (
        book_search.without_theirs(page, searches=False).strip()
        == '<script src="../_static/book.js"></script>'
    )
    search = page.replace("../", "")
    once = book_search.without_theirs(search, searches=True)
    asked = [script["src"] for script in BeautifulSoup(once, "html.parser").select("script")]
    assert asked == ["_static/sections.js", "_static/searchtools.js", "_static/book.js"]
    assert book_search.without_theirs(once, searches=True) == once


def test_what_unfolds_a_part_of_the_contents_has_a_name():
    part = (
        '<a class="reference internal" href="api/index.html">Reference</a><details><summary><i></i></summary>'
    )
    page = BeautifulSoup(touched(part + "</details>"), "html.parser")
    assert page.summary["aria-label"] == "Pages under Reference"


def test_what_no_page_asks_for_is_not_on_the_site(tmp_path):
    names = (
        "scripts/fontawesome.js",
        "scripts/a.js",
        "scripts/a.js.map",
        "styles/a.css.map",
        "locales/de/a.po",
        "webpack-macros.html",
    )
    for name in names:
        (tmp_path / "_static" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "_static" / name).write_text("much", encoding="utf-8")
    sources = 'url(../a.woff2) format("woff2")', ',url(../a.ttf) format("truetype")'
    face = "@font-face{{src:{}}}"
    unused = "".join(
        f"@font-face{{src:url(../w/fa-{each}-400.woff2) format()}}" for each in ("brands", "regular")
    )
    sheet = face.format("".join(sources)) + unused
    (tmp_path / "_static" / "styles" / "a.css").write_text(sheet, encoding="utf-8")
    (tmp_path / "_static" / "w").mkdir()
    for name in ("a.woff2", "a.ttf", "w/fa-brands-400.woff2", "w/fa-regular-400.woff2"):
        (tmp_path / "_static" / name).write_text("letters", encoding="utf-8")
    site = SimpleNamespace(outdir=tmp_path)
    lighten(site, RuntimeError())
    assert len([*tmp_path.rglob("*.map")]) == 2
    lighten(site, None)
    left = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    style = {"a.css": face.format(sources[0]), "a.woff2": "letters"}
    assert left == {"fontawesome.js": "", "a.js": "much"} | style


def test_the_blank_before_an_exercise_is_no_part_of_its_link():
    assert 'to <a href="#ex">Exercise 1</a>' in touched('<p>Solution to<a href="#ex"> Exercise 1</a></p>')
