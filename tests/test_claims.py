"""The tables of claims: what they show, and what they refuse to show."""

from html.parser import HTMLParser

import numpy as np
import pytest

import epbook as ep


@pytest.fixture
def claims():
    table = ep.Claims()
    table.add("Loss < plateau", textbook="-1.56", ours="-1.56", same=np.float64(1.0) < 2)
    table.own("Ours", ours="3 of 3", holds=True)
    table.add("58 groups", textbook="58", ours="41", same=False, why="complete linkage & a plateau")
    table.untested("A drawing", textbook="figure 1.6", why="nothing is computed in it")
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
        "The textbook's claims: 1 the same, 1 differ, 1 not tested\n"
        "1. Loss < plateau\n   textbook: -1.56\n   here:     -1.56\n   verdict:  same\n"
        "2. 58 groups\n   textbook: 58\n   here:     41\n   verdict:  differs\n"
        "   why:      complete linkage & a plateau\n"
        "3. A drawing\n   textbook: figure 1.6\n   verdict:  not tested\n"
        "   why:      nothing is computed in it\n"
        "\nAdded here: 1 of 1 hold\n1. Ours\n   here:     3 of 3\n   verdict:  holds"
    )


def test_the_page_shows_two_tables_and_every_claim_as_text_not_as_markup(claims):
    cells = Cells(claims._repr_html_())
    assert (cells.tags.count("table"), cells.tags.count("tr")) == (2, 6)
    assert cells.texts[0] == "The textbook's claims: 1 the same, 1 differ, 1 not tested"
    assert cells.texts[1:5] == ["Claim", "Textbook", "Here", "Verdict"]
    assert cells.texts[5:9] == ["Loss < plateau", "-1.56", "-1.56", "✓ same"]
    assert cells.texts[9:13] == ["58 groupscomplete linkage & a plateau", "58", "41", "≠ differs"]
    assert cells.texts[13:17] == ["A drawingnothing is computed in it", "figure 1.6", "–", "– not tested"]
    assert cells.texts[17:21] == ["Added here: 1 of 1 hold", "Claim", "Here", "Verdict"]
    assert cells.texts[21:] == ["Ours", "3 of 3", "✓ holds"]
    assert cells.tags.count("span") == 2


def test_the_counts_never_mix_the_sources(claims):
    before = repr(claims).split("\n")[0]
    claims.own("One more of ours", ours="no", holds=False, why="a counterexample")
    assert repr(claims).split("\n")[0] == before
    assert "Added here: 1 of 2 hold" in repr(claims)


def test_a_table_without_rows_is_not_shown():
    table = ep.Claims()
    assert (repr(table), table._repr_html_()) == ("no claims yet", "")
    table.own("Ours", ours="3", holds=True)
    assert "textbook" not in repr(table)
    assert table._repr_html_().count("<table") == 1


def test_rows_cannot_be_changed_from_outside(claims):
    assert [row.verdict for row in claims.rows] == ["same", "holds", "differs", "not tested"]
    with pytest.raises(AttributeError):
        claims.rows[1].verdict = "same"


@pytest.mark.parametrize("value", [1, "yes", None, 0.0, np.array([True, True])])
def test_a_verdict_must_come_from_a_bool(value):
    with pytest.raises(TypeError, match="same must be a bool, got"):
        ep.Claims().add("c", textbook="a", ours="b", same=value)
    with pytest.raises(TypeError, match="holds must be a bool, got"):
        ep.Claims().own("c", ours="b", holds=value)


def test_numbers_must_be_rounded_to_text_by_the_caller():
    with pytest.raises(TypeError, match=r"ours must be a string, got float: 0\.1234"):
        ep.Claims().add("c", textbook="0.12", ours=0.1234, same=True)


def test_bad_rows_are_refused(claims):
    with pytest.raises(ValueError, match="textbook must not be empty"):
        claims.add("new", textbook=" ", ours="1", same=True)
    with pytest.raises(ValueError, match="'58 groups' is already in the table"):
        claims.own("58 groups", ours="58", holds=True)
    with pytest.raises(ValueError, match="'new' differs here: say why"):
        claims.add("new", textbook="1", ours="2", same=False)
    with pytest.raises(ValueError, match="'new' does not hold here: say why"):
        claims.own("new", ours="2", holds=False)
    with pytest.raises(ValueError, match="'new' is not tested here: say why"):
        claims.untested("new", textbook="1", why=" ")
    assert len(claims) == 4
