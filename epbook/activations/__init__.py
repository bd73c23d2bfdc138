"""Activations σ: what the numerics know of them, and how their modules are given and read."""

from epbook.activations.facts import KNOWN, Activation, activation_of, is_standard, out_of_place
from epbook.activations.modules import NAMES, ActivationLike, is_elementwise, module_from, same

__all__ = [
    "KNOWN",
    "NAMES",
    "Activation",
    "ActivationLike",
    "activation_of",
    "is_elementwise",
    "is_standard",
    "module_from",
    "out_of_place",
    "same",
]
