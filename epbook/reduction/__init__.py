"""Reduction: a condensed network cut down to its groups of neurons (section 1.4 of the textbook)."""

from epbook.reduction.compare import accuracy, agreement, agreement_matrix
from epbook.reduction.groups import Groups, groups
from epbook.reduction.prune import keep_only, magnitude_prune, refit
from epbook.reduction.reduce import reduce
from epbook.reduction.report import LayerReport, Report
from epbook.reduction.similarity import amplitude, similarity
from epbook.reduction.sweep import Cut, sweep_similarity

__all__ = [
    "Cut",
    "Groups",
    "LayerReport",
    "Report",
    "accuracy",
    "agreement",
    "agreement_matrix",
    "amplitude",
    "groups",
    "keep_only",
    "magnitude_prune",
    "reduce",
    "refit",
    "similarity",
    "sweep_similarity",
]
