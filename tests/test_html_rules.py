"""What the HTML standard asks beyond a parser, on small pages and on every page of the site.

`make validate` asks the Nu HTML checker, which needs Java; these are the rules that pages of this book broke.
"""

import json

import html5lib
import pytest
from bs4 import BeautifulSoup
from built_book import ENTRIES

from web.html_rules import valid

PAGE = "<html><head><title>a</title></head><body>{}</body></html>"
# For each rule, what of a page breaks it.
RULES = {
    "a style stands in the head": "body style:not(svg style)",
    "a summary holds words, not blocks": "summary :is(p, div, ul, ol, table)",
    "looks belong to style sheets": "[border], [valign], [align], [bgcolor], style[type], style[scoped]",
    "a list of descriptions begins with what it describes": "dl > dd:first-child",
    "a heading has words": ":is(h1, h2, h3, h4, h5, h6):not(:has(*)):empty",
    "a section has a heading": "section:not(:has(h1, h2, h3, h4, h5, h6))",
    "main is main by itself": "main[role=main]",
    "a path has a way": "svg path:not([d])",
    "what MathML is told has a value": "mtable[columnspacing='']",
    "addresses are relative to the page": "base",
}


def broken(page):
    soup = BeautifulSoup(page, "html.parser")
    return {
        rule: [str(tag)[:120] for tag in found]
        for rule, what in RULES.items()
        if (found := soup.select(what))
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<summary aria-label="Toggle hidden content">\n<p class="collapsed">Show</p>\n</summary>',
         '<summary>\n<span class="collapsed">Show</span>\n</summary>'),
        ('<table border="1" class="dataframe"><tr><th rowspan="2" valign="top">a</th></tr></table>',
         '<table class="dataframe"><tr><th rowspan="2" style="vertical-align: top">a</th></tr></table>'),
        ("<dl>\n<dd><em>x</em>,</dd>\n<dd><em>y</em></dd>\n</dl>",
         '<div class="ep-parameters">\n<div><em>x</em>,</div>\n<div><em>y</em></div>\n</div>'),
        ('<section id="exercise-content-7"><p>a</p></section><section id="b"><h2>B</h2></section>',
         '<div id="exercise-content-7"><p>a</p></div><section id="b"><h2>B</h2></section>'),
        ('<main id="m" role="main"><h1></h1></main>', '<main id="m"></main>'),
    ],
)  # fmt: skip
def test_a_page_is_put_right_and_then_left_alone(before, after):
    assert broken(PAGE.format(before))
    assert valid(PAGE.format(before)) == PAGE.format(after)
    assert broken(PAGE.format(after)) == {}
    assert valid(PAGE.format(after)) == PAGE.format(after)


def test_styles_of_outputs_stand_once_in_the_head_where_the_last_of_each_came():
    """The later of two rules wins, so that what a page looks like does not change."""
    one, two, other = "<style>a {}</style>", "<style scoped>b {}</style>", "<style>s {}</style>"
    kept = f'<script>"{other}"</script><svg>{other}</svg>'
    page = valid(PAGE.format(f'{one}<p>x</p>{two}{kept}{one}<style type="text/css">\n</style>'))
    head, body = page.split("</head>")
    assert head.endswith("</title><style>b {}</style>\n<style>a {}</style>\n")
    assert body == f"<body><p>x</p>{kept}</body></html>"


@pytest.mark.site
@pytest.mark.parametrize("name", ENTRIES)
def test_a_page_is_html_without_a_mistake(html, name):
    """By the parser of the HTML standard; no id twice, which it does not see; and by the rules above."""
    page = (html / name).read_text(encoding="utf-8")
    parser = html5lib.HTMLParser()
    parser.parse(page)
    # Today's standard allows an ampersand that begins no entity, as in "?title=a&body=b"; html5lib is older.
    assert [each for each in parser.errors if each[1] != "expected-named-entity"] == []
    soup = BeautifulSoup(page, "html.parser")
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert sorted({each for each in ids if ids.count(each) > 1}) == []
    assert broken(page) == {}
    for data in soup.find_all("script", type="application/ld+json"):
        json.loads(data.text)


@pytest.mark.site
def test_every_file_that_looks_like_a_page_is_one(html):
    found = {path.relative_to(html).as_posix() for path in html.rglob("*.html")}
    assert found == set(ENTRIES)
