"""The embedding principle of neural-network loss landscapes, as code: the helper package of the book."""

from epbook import data, figures
from epbook.claims import Claims
from epbook.critical import Inertia, hessian, inertia
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

__all__ = [
    "Axis",
    "Claims",
    "Inertia",
    "Plan",
    "add_null",
    "compatible",
    "critical_directions",
    "data",
    "embed",
    "explore",
    "figures",
    "glue",
    "hessian",
    "inertia",
    "layers",
    "parts",
    "permute",
    "random_compatible",
    "scale",
    "sequential",
    "split",
    "split_inertia",
    "split_law",
    "three_fold",
    "two_layer",
]
