"""Each figure twice, for a wide page and for a phone; the page shows the one that fits."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from matplotlib.figure import Figure

from epbook.page.narrow import narrowed
from epbook.page.svg import inline, to_svg

_PACKED = re.compile(r"\n<!--narrow:([A-Za-z0-9+/=]+)-->\s*$")


def one_of_two() -> str:
    """The style sheet that shows the drawing that fits; it belongs behind that of what holds the drawings.

    Raises nothing of its own. Source: the conventions of the whole book.

    >>> one_of_two().count("ep-narrow")
    2
    """
    return files("epbook.page").joinpath("both.css").read_text(encoding="utf-8")


class Pair(NamedTuple):
    """Two SVG documents of one figure; no narrow one where the figure is narrow already."""

    wide: str
    narrow: str | None


def draw(figure: Figure) -> Pair:
    """Both documents. Raises TypeError for anything that is not a matplotlib Figure, and what drawing raises.

    Source: the conventions of the whole book.

    >>> draw(Figure(figsize=(2, 1))).narrow is None
    True
    """
    wide = to_svg(figure)
    with narrowed(figure) as anew:
        return Pair(wide, to_svg(figure) if anew else None)


def pack(pair: Pair) -> str:
    """One document, as a notebook keeps it: the wide one, and the narrow one in a comment at its end."""
    if pair.narrow is None:
        return pair.wide
    packed = base64.b64encode(zlib.compress(pair.narrow.encode())).decode()
    return f"{pair.wide.rstrip()}\n<!--narrow:{packed}-->"


def unpack(document: str) -> Pair:
    """What `pack` was given, up to white space at the end.

    >>> unpack(pack(Pair("<svg>wide</svg>", "<svg>narrow</svg>"))).narrow
    '<svg>narrow</svg>'
    """
    match = _PACKED.search(document)
    if match is None:
        return Pair(document, None)
    return Pair(document[: match.start()], zlib.decompress(base64.b64decode(match.group(1))).decode())


def inline_both(pairs: Sequence[Pair], *, prefix: str, alt: str, shown: int = 0) -> str:
    """What `svg.inline` makes of the wide documents, followed by what it makes of the narrow ones.

    With narrow ones for all, their <svg> has the class ep-narrow and the other ep-wide. Raises what
    `svg.inline` raises. Source: the conventions of the whole book.
    """
    narrow = [pair.narrow for pair in pairs if pair.narrow is not None]
    wide = [pair.wide for pair in pairs]
    if len(narrow) < len(pairs):
        return inline(wide, prefix=prefix, alt=alt, shown=shown)
    return inline(wide, prefix=prefix, alt=alt, shown=shown, kind="ep-wide") + inline(
        narrow, prefix=f"{prefix}-n", alt=alt, shown=shown, kind="ep-narrow"
    )
