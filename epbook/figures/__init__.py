"""Figures of the pages, a module each: plain functions from computed numbers to a matplotlib Figure.

They are the pages' own pictures, to be read and copied: they change when a page does, and are no part of the
package's interface. What draws for readers is in `epbook.page` and `epbook.lab`.
"""

from epbook.extras import needs

with needs("figures"):
    from epbook.figures import (
        atlas,
        cards,
        critical,
        dwelling,
        embedding,
        growing,
        intro,
        journey,
        laboratory,
        reduction,
        spectrum,
        stations,
        training,
        units,
    )

__all__ = [
    "atlas",
    "cards",
    "critical",
    "dwelling",
    "embedding",
    "growing",
    "intro",
    "journey",
    "laboratory",
    "reduction",
    "spectrum",
    "stations",
    "training",
    "units",
]
