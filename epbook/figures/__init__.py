"""Figures of the book: plain functions that take computed numbers and return a matplotlib Figure."""

from epbook.figures.opening import split_view
from epbook.figures.style import (
    COLOURS,
    INK,
    MUTED,
    PAPER,
    SIGN_COLOURS,
    subplots,
    use_style,
    width_colour,
)

__all__ = [
    "COLOURS",
    "INK",
    "MUTED",
    "PAPER",
    "SIGN_COLOURS",
    "split_view",
    "subplots",
    "use_style",
    "width_colour",
]
