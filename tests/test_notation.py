"""One letter, one meaning: the formulas of all pages against the tables of the notation page."""

import re

import pytest
from page_words import PAGES, formulas, letters, prose

NOTATION = "book/notation"
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in prose(NOTATION).splitlines()
    if line.startswith("| ") and not line.startswith("| Symbol") and not line.startswith("| Word")
]
SYMBOLS = {row[0]: set().union(*map(letters, formulas(row[0]))) for row in ROWS if "$" in row[0]}
KNOWN = set().union(*SYMBOLS.values())
OTHERS = [name for name in PAGES if name != NOTATION]


def test_every_row_has_a_symbol_or_word_a_meaning_and_a_place_for_chinese():
    assert [row for row in ROWS if len(row) != 3 or not row[0] or not row[1]] == []
    assert len(SYMBOLS) > 40
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("name", OTHERS)
def test_a_letter_on_a_page_is_in_the_table(name):
    unknown = {tex: letters(tex) - KNOWN for tex in formulas(prose(name)) if letters(tex) - KNOWN}
    assert unknown == {}


def test_what_the_table_lists_is_used():
    used = set().union(*(letters(tex) for name in OTHERS for tex in formulas(prose(name))))
    assert {symbol for symbol, wanted in SYMBOLS.items() if wanted and not wanted & used} == set()


@pytest.mark.parametrize("name", OTHERS)
def test_old_meanings_are_gone(name):
    text = "\n".join(formulas(prose(name)))
    old = {
        r"\\nabla(_\{?\w\}?)?\s*L\b|\bL\s*\(": "the loss is R",
        r"(?<![A-Za-z\\])e\^": "e is the error: write \\exp",
        r"(?<![A-Za-z\\])T\s*=": "T is an embedding: a dwell time is \\tau",
        r"\\beta_[aw]": "\\beta belongs to embeddings: a standard deviation is \\nu",
    }
    assert {instead for pattern, instead in old.items() if re.search(pattern, text)} == set()


def test_the_reading_of_formulas():
    assert letters(r"\hat{w}_j \cdot \tilde x") == {r"\hat{w}", "j", r"\tilde{x}"}
    assert letters(r"\mathbb{E}[e]^{\mathsf T}\,\operatorname{rank} M") == {r"\mathbb{E}", "e", "M"}
    assert formulas("a $x$ b $$y\nz$$ `$q$`") == ["y\nz", "x"]
