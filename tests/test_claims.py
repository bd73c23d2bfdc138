"""The claims table: what it shows, and what it refuses to show."""

from html.parser import HTMLParser

import numpy as np
import pytest

import epbook as ep


@pytest.fixture
def claims():
    table = ep.Claims()
    table.add("Loss < plateau", chapter="-1.56", ours="-1.56", holds=np.float64(1.0) < 2)
    table.add("58 groups", chapter="58", ours="41", holds=False, why="complete linkage & a plateau")
    return table


class Cells(HTMLParser):
    """Every open tag, in order, and the text of every cell."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in ("th", "td", "caption"):
            self.texts.append("")

    def handle_data(self, data):
        self.texts[-1] += data


def test_plain_text_is_what_the_notebook_test_compares(claims):
    assert repr(claims) == (
        "1. Loss < plateau\n   chapter: -1.56\n   ours:    -1.56\n   holds:   yes\n"
        "2. 58 groups\n   chapter: 58\n   ours:    41\n   holds:   no\n"
        "   why:     complete linkage & a plateau\n"
        "1 of 2 claims hold."
    )


def test_the_page_shows_every_claim_as_text_not_as_markup(claims):
    cells = Cells(claims._repr_html_())
    assert cells.tags.count("tr") == 3
    assert cells.texts[0] == "1 of 2 claims hold."
    assert cells.texts[5:9] == ["Loss < plateau", "-1.56", "-1.56", "✓ yes"]
    assert cells.texts[9:] == ["58 groupscomplete linkage & a plateau", "58", "41", "✗ no"]
    assert cells.tags.count("span") == 1


def test_rows_cannot_be_changed_from_outside(claims):
    assert [row.holds for row in claims.rows] == [True, False]
    assert all(type(row.holds) is bool for row in claims.rows)
    with pytest.raises(AttributeError):
        claims.rows[1].holds = True


@pytest.mark.parametrize("holds", [1, "yes", None, 0.0, np.array([True, True])])
def test_holds_must_be_a_bool(holds):
    with pytest.raises(TypeError, match="holds must be a bool, got"):
        ep.Claims().add("c", chapter="a", ours="b", holds=holds)


def test_numbers_must_be_rounded_to_text_by_the_caller():
    with pytest.raises(TypeError, match=r"ours must be a string, got float: 0\.1234"):
        ep.Claims().add("c", chapter="0.12", ours=0.1234, holds=True)


def test_bad_rows_are_refused(claims):
    with pytest.raises(ValueError, match="chapter must not be empty"):
        claims.add("new", chapter=" ", ours="1", holds=True)
    with pytest.raises(ValueError, match="'58 groups' is already in the table"):
        claims.add("58 groups", chapter="58", ours="58", holds=True)
    with pytest.raises(ValueError, match="'new' does not hold here: say why"):
        claims.add("new", chapter="1", ours="2", holds=False)
    assert len(claims) == 2
