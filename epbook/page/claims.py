"""The table that closes a chapter: what it claims, what came out here, and why where they differ."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Claim:
    """One checked statement; `holds` was computed, `why` explains a difference.

    Source: design of the book, "claims checked".
    """

    text: str
    chapter: str
    ours: str
    holds: bool
    why: str = ""


class Claims:
    """Collect a chapter's claims beside the values computed here.

    Shown as an HTML table on the page and as plain text in a terminal and in the notebook test, where the
    text is compared with the stored one: so `ours` is a rounded string.
    Source: design of the book, "claims checked".

    >>> claims = Claims()
    >>> claims.add("Width 1 stops at a plateau", chapter="-1.56", ours=f"{-1.5634:.2f}", holds=True)
    >>> claims
    1. Width 1 stops at a plateau
       chapter: -1.56
       ours:    -1.56
       holds:   yes
    1 of 1 claims hold.
    """

    def __init__(self) -> None:
        self._rows: list[Claim] = []

    def add(self, text: str, *, chapter: str, ours: str, holds: bool, why: str = "") -> None:
        """Add one claim.

        text: the claim in words; chapter: what the chapter says; ours: what was computed here, rounded;
        holds: a comparison of numbers, a bool or numpy.bool; why: the reason, where the two differ.
        Raises TypeError where `holds` is no bool or another value is no string, ValueError where `text`,
        `chapter` or `ours` is empty, where a claim is given twice, or where a claim that does not hold
        gives no reason. Source: design of the book, "claims checked".

        >>> Claims().add("Loss falls", chapter="yes", ours="0.3 to 0.1", holds=1)
        Traceback (most recent call last):
        ...
        TypeError: holds must be a bool, got 1
        """
        if not isinstance(holds, bool | np.bool_):
            raise TypeError(f"holds must be a bool, got {holds!r}")
        for name, value in (("text", text), ("chapter", chapter), ("ours", ours), ("why", why)):
            if not isinstance(value, str):
                raise TypeError(f"{name} must be a string, got {type(value).__name__}: {value!r}")
            if not value.strip() and name != "why":
                raise ValueError(f"{name} must not be empty, got {value!r}")
        if any(row.text == text for row in self._rows):
            raise ValueError(f"the claim {text!r} is already in the table")
        if not holds and not why.strip():
            raise ValueError(f"the claim {text!r} does not hold here: say why")
        self._rows.append(Claim(text, chapter, ours, bool(holds), why))

    @property
    def rows(self) -> tuple[Claim, ...]:
        """The claims in the order in which they were added."""
        return tuple(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _summary(self) -> str:
        return f"{sum(row.holds for row in self._rows)} of {len(self)} claims hold."

    def __repr__(self) -> str:
        lines = []
        for number, row in enumerate(self._rows, start=1):
            lines += [
                f"{number}. {row.text}",
                f"   chapter: {row.chapter}",
                f"   ours:    {row.ours}",
                f"   holds:   {'yes' if row.holds else 'no'}",
            ]
            if row.why:
                lines.append(f"   why:     {row.why}")
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        # data-label carries the column's name, so that a narrow screen can stack the cells of a row.
        head = "".join(f'<th scope="col">{name}</th>' for name in ("Claim", "Chapter", "Ours", "Holds"))
        body = "".join(
            f'<tr class="{"holds" if row.holds else "fails"}">'
            f'<th scope="row">{html.escape(row.text)}{_why(row)}</th>'
            f'<td data-label="Chapter">{html.escape(row.chapter)}</td>'
            f'<td data-label="Ours">{html.escape(row.ours)}</td>'
            f'<td data-label="Holds">{"✓ yes" if row.holds else "✗ no"}</td></tr>'
            for row in self._rows
        )
        return (
            f'<table class="claims"><caption>{self._summary()}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _why(row: Claim) -> str:
    return f'<span class="why">{html.escape(row.why)}</span>' if row.why else ""
