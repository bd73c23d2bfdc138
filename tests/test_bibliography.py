"""The bibliography: each entry is cited, each citation has an entry, labels read as the pages cite."""

import re
from pathlib import Path

import pytest
from page_words import PAGES, prose
from pybtex.database import parse_file

from web.author_year import AuthorYear, ByName

ROOT = Path(__file__).parents[1]
ENTRIES = parse_file(ROOT / "book/references.bib").entries


def cited():
    found = re.findall(r"\{cite:\w+\}`([^`]+)`", "\n".join(map(prose, PAGES)))
    return {key.strip() for keys in found for key in keys.split(",")}


def test_every_entry_is_cited_and_every_citation_has_an_entry():
    assert cited() == set(ENTRIES)


def test_labels_are_those_of_the_pages_and_tell_entries_apart():
    labels = dict(zip(ENTRIES, AuthorYear().format_labels(ENTRIES.values()), strict=True))
    assert labels["fisher1936iris"] == "Fisher, 1936"
    assert labels["fukumizu2000local"] == "Fukumizu and Amari, 2000"
    assert labels["zhang2021embedding"] == "Zhang et al., 2021"
    assert len(set(labels.values())) == len(labels)


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_says_where_it_is_to_be_found(key):
    entry = ENTRIES[key]
    assert {"title", "year"} <= set(entry.fields)
    assert {"journal", "booktitle", "eprint", "url", "note"} & set(entry.fields)


def test_the_page_of_credits_names_tests_that_exist():
    page = (ROOT / "book/credits.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/test_\w+\.py)`", page)
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_entries_stand_where_a_reader_looks_for_their_names():
    names = [entry.persons["author"][0].last_names[0] for entry in ByName().sort(ENTRIES.values())]
    assert names.index("{LeCun}") < names.index("Li") < names.index("Şimşek") < names.index("Zhou")
    assert names[-1] == "{理解深度学习}", "no letter of the alphabet"
