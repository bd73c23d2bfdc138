"""Cards that lead to the pages of the book, each with a small picture that is computed like the others."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from matplotlib.figure import Figure

from epbook.page.svg import fingerprint, inline, to_svg
from epbook.progress import watched

_STYLE = """\
<style>
.ep-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: 1rem; margin: 1rem 0; }
.bd-article .ep-cards a, .ep-cards a { display: block; padding: .9rem 1rem 1rem; color: inherit;
  border: 1px solid var(--pst-color-border, #c9ced6); border-radius: .75rem; text-decoration: none; }
.ep-cards a:is(:hover, :focus-visible) { border-color: var(--ep-accent, #0a62a0); }
.ep-cards svg { display: block; width: 100%; height: auto; margin-bottom: .6rem; }
.ep-cards b { display: block; color: var(--ep-accent, #0a62a0); font-size: 1.1rem; }
.ep-cards span { display: block; line-height: 1.45; }
</style>"""
_CARD = '<a href="{page}.{kind}">{picture}<b>{title}</b><span>{question}</span></a>'


class Card(NamedTuple):
    """One page of the book: its file without the ending, a title, its question, a picture.

    The picture's label says what one sees, for who does not.

    Source: the conventions of the whole book.

    >>> Card("training", "Training", "Why?", Figure(figsize=(2, 1))).title
    'Training'
    """

    page: str
    title: str
    question: str
    picture: Figure


class Cards:
    """Cards side by side; a notebook shows them, with links to notebooks where a reader runs it.

    >>> Cards([Card("training", "Training", "Why?", Figure(figsize=(2, 1)))])
    Cards(training)

    Source: the conventions of the whole book.
    """

    def __init__(self, cards: Sequence[Card]) -> None:
        self.cards = tuple(cards)

    def __repr__(self) -> str:
        return f"Cards({', '.join(card.page for card in self.cards)})"

    def _repr_html_(self) -> str:
        rows = "\n".join(
            _CARD.format(
                page=escape(card.page),
                kind="ipynb" if watched() else "html",
                picture=_picture(card, number),
                title=escape(card.title),
                question=escape(card.question),
            )
            for number, card in enumerate(self.cards)
        )
        return f'{_STYLE}\n<div class="ep-cards">\n{rows}\n</div>'


def _picture(card: Card, number: int) -> str:
    document = to_svg(card.picture)
    svg = inline(
        [document], prefix=f"ep-{fingerprint(document)}-card-{number}", alt=str(card.picture.get_label())
    )
    return svg.replace('class="ep-svg"', 'class="ep-card"')  # no figure of its own: no number, no caption
