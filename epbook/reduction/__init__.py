"""Reduction: a condensed network cut down to its groups of neurons (chapter section 1.4)."""

from epbook.reduction.compare import accuracy, agreement, agreement_matrix, magnitude_prune
from epbook.reduction.groups import Groups, groups
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
    "magnitude_prune",
    "reduce",
    "similarity",
    "sweep_similarity",
]
