"""Cards lead to the pages, or to notebooks where a reader runs one, and say what their pictures show."""

import numpy as np
import pytest
from bs4 import BeautifulSoup
from built_book import ROOT

import epbook as ep
from epbook.figures import cards
from epbook.page.cards import Card, Cards


@pytest.mark.parametrize(("live", "ending"), [(False, "html"), (True, "ipynb")])
def test_a_card_leads_to_its_page_with_a_picture_that_has_words(monkeypatch, live, ending):
    monkeypatch.setattr("epbook.page.cards.watched", lambda: live)
    picture = cards.signs(np.array([-1.0, 0.0, 2.0]))
    shown = Cards([Card("training", "Training", "Why < there?", picture)])
    soup = BeautifulSoup(shown._repr_html_(), "html.parser")
    (link,) = soup.find_all("a")
    assert link["href"] == f"training.{ending}"
    assert link.b.text == "Training"
    assert link.span.text == "Why < there?"
    assert len(link.svg["aria-label"].split()) >= 5
    assert soup.select("svg.ep-svg") == []  # no figure with a number


def test_the_cards_of_the_first_page_have_pages():
    text = (ROOT / "book" / "intro.ipynb").read_text(encoding="utf-8")
    for page in ("training", "critical_points", "embedding", "reduction"):
        assert f'(\\"{page}\\", ' in text
        assert (ROOT / "book" / f"{page}.ipynb").exists()


@pytest.mark.parametrize("sign", [-1.0, 0.0, 1.0])
def test_signs_have_their_colours(sign):
    figure = cards.signs(np.array([sign, 3.0]))
    first = figure.axes[0].lines[1].get_color()
    name = {-1.0: "negative", 0.0: "zero", 1.0: "positive"}[sign]
    assert first == ep.page.SIGN_COLOURS[name]
