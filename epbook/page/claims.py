"""The tables that close a page: what the textbook claims, what we add, and what came out here."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Each verdict with the mark and the row's class on the page.
MARKS = {
    "same": ("✓", "holds"),
    "differs": ("≠", "fails"),
    "not tested": ("–", "untested"),
    "holds": ("✓", "holds"),
    "does not hold": ("✗", "fails"),
}
NEEDS_A_REASON = {"differs", "not tested", "does not hold"}


@dataclass(frozen=True)
class Claim:
    """One statement and its verdict; `textbook` is empty where the statement is ours.

    Source: design of the book, "claims checked".

    >>> Claim("A net of one neuron stops at a plateau", "-1.56", "-1.56", "same").verdict
    'same'
    """

    text: str
    textbook: str
    ours: str
    verdict: str
    why: str = ""


class Claims:
    """Collect the textbook's claims and our own, apart, beside the values computed here.

    Two tables, so that no count mixes sources: a claim of the textbook is the `same` here, `differs`, or was
    `not tested`; one that we add `holds` or `does not hold`. Shown as HTML on the page and as plain text in a
    terminal and in the notebook test, where the text is compared with the stored one: so `ours` is a rounded
    string. Source: design of the book, "claims checked".

    >>> claims = Claims()
    >>> claims.add("Width 1 stops at a plateau", textbook="-1.56", ours=f"{-1.5634:.2f}", same=True)
    >>> claims.untested("The drawing of figure 1.6", textbook="a road past stations", why="it is a drawing")
    >>> claims.own("It stops at a saddle", ours="one way down", holds=True)
    >>> claims
    The textbook's claims: 1 the same, 0 differ, 1 not tested
    1. Width 1 stops at a plateau
       textbook: -1.56
       here:     -1.56
       verdict:  same
    2. The drawing of figure 1.6
       textbook: a road past stations
       verdict:  not tested
       why:      it is a drawing
    <BLANKLINE>
    Added here: 1 of 1 hold
    1. It stops at a saddle
       here:     one way down
       verdict:  holds
    """

    def __init__(self) -> None:
        self._rows: list[Claim] = []

    def add(self, text: str, *, textbook: str, ours: str, same: bool, why: str = "") -> None:
        """Add a claim of the textbook that was tested here.

        text: the claim in words; textbook: what the textbook says; ours: what was computed here, rounded;
        same: a comparison of numbers, a bool or numpy.bool; why: the reason, where the two differ.
        Raises TypeError where `same` is no bool or another value is no string, ValueError where one is
        empty, where a claim is given twice, or where one that differs gives no reason.
        Source: design of the book, "claims checked".

        >>> Claims().add("Loss falls", textbook="yes", ours="0.3 to 0.1", same=1)
        Traceback (most recent call last):
        ...
        TypeError: same must be a bool, got 1
        """
        verdict = "same" if _bool("same", same) else "differs"
        self._append(verdict, text=text, textbook=textbook, ours=ours, why=why)

    def own(self, text: str, *, ours: str, holds: bool, why: str = "") -> None:
        """Add a claim that the textbook does not make: one of the papers, or of this book.

        ours: what was computed here, rounded; holds: a comparison of numbers; why: needed where it does not.
        Raises the same errors as `add`. Source: design of the book, "claims checked".

        >>> Claims().own("Loss falls", ours="0.3 to 0.4", holds=False)
        Traceback (most recent call last):
        ...
        ValueError: the claim 'Loss falls' does not hold here: say why
        """
        verdict = "holds" if _bool("holds", holds) else "does not hold"
        self._append(verdict, text=text, ours=ours, why=why)

    def untested(self, text: str, *, textbook: str, why: str) -> None:
        """Add a claim of the textbook that this page does not test, and say why not.

        Raises the same errors as `add`. Source: design of the book, "claims checked".

        >>> Claims().untested("Wide nets generalise", textbook="asked", why="no test data here")
        """
        self._append("not tested", text=text, textbook=textbook, why=why)

    def _append(self, verdict: str, **words: str) -> None:
        for name, value in words.items():
            if not isinstance(value, str):
                raise TypeError(f"{name} must be a string, got {type(value).__name__}: {value!r}")
            if not value.strip() and name != "why":
                raise ValueError(f"{name} must not be empty, got {value!r}")
        text = words["text"]
        if any(row.text == text for row in self._rows):
            raise ValueError(f"the claim {text!r} is already in the table")
        if verdict in NEEDS_A_REASON and not words["why"].strip():
            what = {"differs": "differs", "not tested": "is not tested"}.get(verdict, verdict)
            raise ValueError(f"the claim {text!r} {what} here: say why")
        self._rows.append(Claim(**{"textbook": "", "ours": "", **words}, verdict=verdict))

    @property
    def rows(self) -> tuple[Claim, ...]:
        """The claims in the order in which they were added."""
        return tuple(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _parts(self, show: Callable[[str, Sequence[Claim]], str]) -> list[str]:
        """Each table that has a row, shown under its title and count."""
        textbook = [row for row in self._rows if row.textbook]
        own = [row for row in self._rows if not row.textbook]
        same, differ, untested = (_count(textbook, v) for v in ("same", "differs", "not tested"))
        titles = (
            f"The textbook's claims: {same} the same, {differ} differ, {untested} not tested",
            f"Added here: {_count(own, 'holds')} of {len(own)} hold",
        )
        return [show(title, rows) for title, rows in zip(titles, (textbook, own), strict=True) if rows]

    def __repr__(self) -> str:
        return "\n\n".join(self._parts(_plain)) or "no claims yet"

    def _repr_html_(self) -> str:
        return "".join(self._parts(_table))


def _bool(name: str, value: object) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a bool, got {value!r}")
    return bool(value)


def _count(rows: Sequence[Claim], verdict: str) -> int:
    return sum(row.verdict == verdict for row in rows)


def _plain(title: str, rows: Sequence[Claim]) -> str:
    lines = [title]
    for number, row in enumerate(rows, start=1):
        lines.append(f"{number}. {row.text}")
        said = {"textbook": row.textbook, "here": row.ours, "verdict": row.verdict, "why": row.why}
        lines += [f"   {f'{name}:':<9} {words}" for name, words in said.items() if words]
    return "\n".join(lines)


def _table(title: str, rows: Sequence[Claim]) -> str:
    columns = ("Textbook", "Here", "Verdict") if rows[0].textbook else ("Here", "Verdict")
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Claim", *columns))
    body = ""
    for row in rows:
        mark, kind = MARKS[row.verdict]
        cells = {"Textbook": row.textbook, "Here": row.ours or "–", "Verdict": f"{mark} {row.verdict}"}
        why = f'<span class="why">{html.escape(row.why)}</span>' if row.why else ""
        body += f'<tr class="{kind}"><th scope="row">{html.escape(row.text)}{why}</th>'
        # data-label carries the column's name, so that a narrow screen can stack the cells of a row.
        body += "".join(f'<td data-label="{name}">{html.escape(cells[name])}</td>' for name in columns)
        body += "</tr>"
    return (
        f'<table class="claims"><caption>{html.escape(title, quote=False)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
