"""Embeddings of critical points into wider networks (chapter section 1.3)."""

from epbook.embedding.compatible import Compatible, compatible, random_compatible
from epbook.embedding.directions import critical_directions
from epbook.embedding.law import SplitLaw, split_inertia, split_law
from epbook.embedding.multi import embed
from epbook.embedding.nearest import Nearest, nearest_embedded
from epbook.embedding.null import Null, add_null
from epbook.embedding.plan import Plan
from epbook.embedding.split import Split, split
from epbook.embedding.symmetry import Permute, Scale, permute, scale
from epbook.embedding.threefold import three_fold

__all__ = [
    "Compatible",
    "Nearest",
    "Null",
    "Permute",
    "Plan",
    "Scale",
    "Split",
    "SplitLaw",
    "add_null",
    "compatible",
    "critical_directions",
    "embed",
    "nearest_embedded",
    "permute",
    "random_compatible",
    "scale",
    "split",
    "split_inertia",
    "split_law",
    "three_fold",
]
