"""Embeddings of critical points into wider networks (textbook section 1.3)."""

from epbook.embedding import plan
from epbook.embedding.apply import (
    add_null,
    compatible,
    embed,
    permute,
    random_compatible,
    scale,
    split,
    three_fold,
)
from epbook.embedding.directions import critical_directions
from epbook.embedding.law import SplitLaw, split_inertia, split_law
from epbook.embedding.nearest import Nearest, nearest_embedded
from epbook.embedding.plan import Compatible, Null, Permute, Plan, Scale, Split, Step

__all__ = [
    "Compatible",
    "Nearest",
    "Null",
    "Permute",
    "Plan",
    "Scale",
    "Split",
    "SplitLaw",
    "Step",
    "add_null",
    "compatible",
    "critical_directions",
    "embed",
    "nearest_embedded",
    "permute",
    "plan",
    "random_compatible",
    "scale",
    "split",
    "split_inertia",
    "split_law",
    "three_fold",
]
