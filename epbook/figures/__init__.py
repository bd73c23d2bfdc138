"""Figures of the book: plain functions that take computed numbers and return a matplotlib Figure."""

from epbook.figures.opening import split_view
from epbook.figures.reduction import (
    agreement_against_width,
    digits,
    forming,
    group_portraits,
    plateau_curve,
    prediction_pairs,
    retraining,
    similarity_matrix,
    threshold_view,
    widths_left,
)
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
    "agreement_against_width",
    "digits",
    "forming",
    "group_portraits",
    "plateau_curve",
    "prediction_pairs",
    "retraining",
    "similarity_matrix",
    "split_view",
    "subplots",
    "threshold_view",
    "use_style",
    "width_colour",
    "widths_left",
]
