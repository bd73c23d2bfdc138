"""What a reader brings, read in one place: a network, data and a loss, taken to float64, or refused.

Every function of the package that takes a network reads it here. What comes in may be of any floating type
and on any device; the numerics run in float64; `Given.network` gives back the type and device that came in.
"""

from epbook.given.any_module import data_for, free_copy
from epbook.given.data import is_finite, refuse_meta
from epbook.given.kinks import refuse_kinks
from epbook.given.modules import layers
from epbook.given.read import Given, GivenNetwork, differentiable, read
from epbook.given.vector import flat, unflat

__all__ = [
    "Given",
    "GivenNetwork",
    "data_for",
    "differentiable",
    "flat",
    "free_copy",
    "is_finite",
    "layers",
    "read",
    "refuse_kinks",
    "refuse_meta",
    "unflat",
]
