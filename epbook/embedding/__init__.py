"""Embeddings of critical points into wider networks (chapter section 1.3)."""

from epbook.embedding.compatible import Compatible, compatible, random_compatible
from epbook.embedding.directions import critical_directions
from epbook.embedding.escape import escape_time
from epbook.embedding.law import SplitLaw, split_inertia, split_law
from epbook.embedding.multi import embed
from epbook.embedding.nearest import Nearest, nearest_embedded
from epbook.embedding.null import Null, add_null
from epbook.embedding.plan import Plan
from epbook.embedding.split import Split, split
from epbook.embedding.symmetry import Permute, Scale, permute, scale
from epbook.embedding.targets import critical_targets
from epbook.embedding.threefold import three_fold
from epbook.embedding.volume import Volume, flat_volume

__all__ = [
    "Compatible",
    "Nearest",
    "Null",
    "Permute",
    "Plan",
    "Scale",
    "Split",
    "SplitLaw",
    "Volume",
    "add_null",
    "compatible",
    "critical_directions",
    "critical_targets",
    "embed",
    "escape_time",
    "flat_volume",
    "nearest_embedded",
    "permute",
    "random_compatible",
    "scale",
    "split",
    "split_inertia",
    "split_law",
    "three_fold",
]
