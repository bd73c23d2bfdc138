"""Figures of the pages, a module each: plain functions from computed numbers to a matplotlib Figure."""

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
