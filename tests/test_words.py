"""One name for each thing, on all pages: the textbook, the page, zero gradients."""

import re
from pathlib import Path

import pytest
from page_words import PAGES, prose, strings

# What a page must not say, and what it says instead.
NEVER = {
    r"\bthe (chinese )?source\b(?! of| network| neuron| code)": "the textbook",
    r"\b(the|this|next|last|each|a|our|previous) chapters?\b": "the textbook, or this page",
    r"\bchapter('s)? (figure|section)": "the textbook's figure",
    r"\bvanishing gradient": "zero gradient",
    r"\bclaims, checked": "Claims checked",
    r"\bnot said\b|\bnot in the textbook\b": "claims.own",
}


@pytest.mark.parametrize("name", PAGES)
def test_each_thing_has_one_name(name):
    text = "\n".join([prose(name), *strings(name)])
    text = re.sub(r"\s+", " ", text)
    found = {
        text[max(match.start() - 40, 0) : match.end() + 20]: instead
        for pattern, instead in NEVER.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    }
    assert found == {}


@pytest.mark.parametrize("name", PAGES)
def test_what_the_textbook_says_is_cited_where_it_is_first_named(name):
    text = re.sub(r"\s+", " ", prose(name))
    first = text.find("textbook")
    if first >= 0:
        assert "textbook2023" in text, "name the textbook with {cite:p}`textbook2023`"


def test_the_package_calls_the_textbook_by_its_name():
    package = Path(__file__).parents[1] / "epbook"
    assert [
        path.name for path in package.rglob("*.py") if "chapter" in path.read_text(encoding="utf-8").lower()
    ] == []
