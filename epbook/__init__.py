"""The embedding principle of neural-network loss landscapes, as code: the helper package of the book."""

from epbook import data, figures
from epbook.claims import Claims
from epbook.critical import CriticalPoint, Inertia, find_critical, hessian, inertia, null_directions
from epbook.embedding import (
    Plan,
    add_null,
    compatible,
    critical_directions,
    embed,
    permute,
    random_compatible,
    scale,
    split,
    split_inertia,
    split_law,
    three_fold,
)
from epbook.explore import Axis, explore
from epbook.glue import glue
from epbook.networks import layers, parts, sequential, two_layer
from epbook.reduction import (
    Plateau,
    accuracy,
    agreement,
    agreement_matrix,
    amplitude,
    groups,
    magnitude_prune,
    reduce,
    similarity,
    softmax_mse,
    train_adam,
)

__all__ = [
    "Axis",
    "Claims",
    "CriticalPoint",
    "Inertia",
    "Plan",
    "Plateau",
    "accuracy",
    "add_null",
    "agreement",
    "agreement_matrix",
    "amplitude",
    "compatible",
    "critical_directions",
    "data",
    "embed",
    "explore",
    "figures",
    "find_critical",
    "glue",
    "groups",
    "hessian",
    "inertia",
    "layers",
    "magnitude_prune",
    "null_directions",
    "parts",
    "permute",
    "random_compatible",
    "reduce",
    "scale",
    "sequential",
    "similarity",
    "softmax_mse",
    "split",
    "split_inertia",
    "split_law",
    "three_fold",
    "train_adam",
    "two_layer",
]
