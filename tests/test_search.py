"""The search of the built book: what a reader types, and what should come first."""

import json

import pytest
from built_book import CHAPTERS

pytestmark = pytest.mark.site

# Query, and a word of the address or of the heading that comes first.
QUERIES = {
    "plateau": ("critical", "training", "escape"),
    "saddle": ("saddle",),
    "gradient": ("gradient",),
    "inertia": ("inertia",),
    "similarity": ("reduction",),
    "reduction undoes embedding": ("undoes",),
    "second-order": ("second",),
}


@pytest.fixture(scope="module")
def entries(html):
    written = (html / "_static" / "sections.js").read_text(encoding="utf-8")
    return json.loads(written[written.index("[") : written.rindex("]") + 1])


def test_every_section_of_every_page_can_be_found(entries):
    pages = {entry["where"].split("#")[0] for entry in entries}
    assert pages >= {name for name in CHAPTERS if "bibliography" not in name}
    assert len(entries) > 4 * len(pages)
    assert len({entry["where"] for entry in entries}) == len(entries)


def test_no_code_no_tex_and_no_bibliography_in_what_is_found(entries):
    for entry in entries:
        assert "bibliography" not in entry["where"]
        for mark in ("import torch", "\\(", "\\frac", "Show the code"):
            assert mark not in entry["text"], entry["title"]
        if "/api/" not in entry["where"]:  # whose sentences are about calls
            assert "ep.glue(" not in entry["text"], entry["title"]


@pytest.mark.parametrize("query", QUERIES)
def test_the_first_hit(visit, html, query):
    page = visit(f"search.html?q={query}")
    page.wait_for_selector(".ep-hits li")
    first = page.locator(".ep-hits > li").first
    link = first.locator("a").first
    where = (link.get_attribute("href") + " " + link.inner_text()).lower()
    assert any(word in where for word in QUERIES[query]), where
    assert first.locator("mark").count() or query.split()[0] in link.inner_text().lower()


def test_a_hit_leads_to_its_section_with_the_word_marked(visit):
    page = visit("search.html?q=saddle")
    page.wait_for_selector(".ep-hits li")
    link = page.locator(".ep-hits > li > a").first
    anchor = link.get_attribute("href").split("#")[1]
    link.click()
    page.wait_for_selector("span.highlighted", state="attached")
    assert page.url.endswith(f"#{anchor}")
    assert page.locator(f"[id='{anchor}'] span.highlighted").count()


def test_nothing_found_is_said(visit):
    page = visit("search.html?q=zebra")
    assert "Nothing" in page.locator("#search-results").inner_text()
