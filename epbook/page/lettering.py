"""Writing in figures as text of the page: in its font, found by its search, read out by its readers."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree.ElementTree import Element

_MINUS = re.compile(r"(?<![\w)\]])-(?=[\d.])|(?<=\de)-(?=\d)")
_SIZE = re.compile(r"font-size: ?([\d.]+)px")
_FAMILY = re.compile(r"font-family: ?[^;]*;? ?")
_ADVANCE = 0.6  # of the font's size: how far a letter reaches


def true_minus(text: str) -> str:
    """A hyphen before a number becomes a minus sign.

    >>> true_minus("α = -0.5, 1e-05, 2-layer, a-b")
    'α = −0.5, 1e−05, 2-layer, a-b'
    """
    return _MINUS.sub("−", text)


def letter(text: Element) -> None:
    """Let one <text> of matplotlib take the font of the page.

    Plain text keeps its anchor. A formula comes as one letter after the other, each at a place of its own
    in the font that matplotlib measured with: it becomes running text again, raised and lowered by runs.
    Changes the element. Raises nothing. Source: SVG 2, matplotlib's SVG backend.
    """
    for element in text.iter():
        if "style" in element.attrib:
            element.set("style", _FAMILY.sub("", element.attrib["style"]))
        element.text = true_minus(element.text) if element.text and element.text.strip() else element.text
        element.tail = None
    spans = list(text)
    if spans:
        _run_on(text, spans)


def _run_on(text: Element, spans: list[Element]) -> None:
    spans = sorted(spans, key=lambda span: float(span.attrib["x"].split()[0]))
    sizes = [
        float(match.group(1)) if (match := _SIZE.search(span.get("style", ""))) else 11.5 for span in spans
    ]
    left = float(spans[0].attrib["x"].split()[0])
    right = max(
        float(s.attrib["x"].split()[-1]) + _ADVANCE * size for s, size in zip(spans, sizes, strict=True)
    )
    level = first = float(spans[0].attrib["y"])
    for span in spans:
        text.remove(span)
    text.text = None
    for (style, y), run in groupby(spans, lambda span: (span.get("style", ""), float(span.attrib["y"]))):
        letters = true_minus("".join(span.text or "" for span in run)).replace("\xa0", " ")
        piece = Element(text[0].tag if len(text) else spans[0].tag, {"style": style})
        if y != level:
            piece.set("dy", f"{y - level:.2f}")
        piece.text, level = letters, y
        text.append(piece)
    text.set("x", f"{(left + right) / 2:.2f}")
    text.set("y", f"{first:.2f}")
    text.set("style", "text-anchor: middle; white-space: pre")
