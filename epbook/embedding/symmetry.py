"""Trivial critical maps: permuting neurons, and trading scale between their incoming and outgoing weights."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from epbook.activations import activation_of
from epbook.checks import finite, whole
from epbook.embedding.step import Step
from epbook.networks import Layer, hidden, hidden_neuron


@dataclass(frozen=True)
class Permute(Step):
    """Hidden layer `layer` in a new order: new neuron i is old neuron order[i].

    W ↦ ΠW, b ↦ Πb, W⁺ ↦ W⁺Πᵀ. `rewrite` raises ValueError where the order is none of the layer's neurons.
    Source: JML22 (trivial critical transforms).

    >>> print(Permute(0, (1, 0)))
    reorder layer 0 as 1, 0
    """

    layer: int
    order: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layer", whole(self.layer, "layer"))
        order = tuple(whole(neuron, "each entry of order") for neuron in self.order)
        object.__setattr__(self, "order", order)

    def coefficients(self, narrow: Sequence[Layer]) -> Tensor:
        return narrow[0].weight.new_zeros(0)

    def rewrite(self, narrow: Sequence[Layer], coefficients: Tensor | None = None) -> list[Layer]:
        width = hidden(narrow, self.layer)
        if sorted(self.order) != list(range(width)):
            raise ValueError(f"order must name each of the neurons 0 to {width - 1} once, got {self.order}")
        order = list(self.order)
        weight, bias, activation = narrow[self.layer]
        following = narrow[self.layer + 1]
        wide = list(narrow)
        wide[self.layer] = Layer(weight[order], None if bias is None else bias[order], activation)
        wide[self.layer + 1] = following._replace(weight=following.weight[:, order])
        return wide

    def __str__(self) -> str:
        return f"reorder layer {self.layer} as {', '.join(map(str, self.order))}"


@dataclass(frozen=True)
class Scale(Step):
    """(w, b, c) ↦ (βw, βb, β^−p c) for one neuron of a p-homogeneous σ (ReLU: p = 1), β > 0.

    An odd σ (tanh) allows β = −1: (−w, −b, −c). Raises ValueError where β or 1/β is not an ordinary
    number of float64; `rewrite` where σ has no such symmetry.
    Source: JML22 (trivial critical transforms).

    >>> print(Scale(0, 2, 1.5))
    scale the incoming weights of neuron 2 of layer 0 by 1.5
    """

    layer: int
    neuron: int
    factor: float

    def __post_init__(self) -> None:
        factor = finite(self.factor, "factor")
        if not sys.float_info.min <= abs(factor) <= 1 / sys.float_info.min:
            raise ValueError(
                f"factor must not be zero, nor so small or large that digits are lost: 1e-307 to 1e307 in "
                f"size, got {self.factor!r}"
            )
        object.__setattr__(self, "layer", whole(self.layer, "layer"))
        object.__setattr__(self, "neuron", whole(self.neuron, "neuron"))
        object.__setattr__(self, "factor", factor)

    def coefficients(self, narrow: Sequence[Layer]) -> Tensor:
        hidden_neuron(narrow, self.layer, self.neuron)
        # An odd σ offers the isolated β = −1 only.
        free = activation_of(narrow[self.layer].activation).degree is not None
        return narrow[0].weight.new_tensor([self.factor] if free else [])

    def rewrite(self, narrow: Sequence[Layer], coefficients: Tensor | None = None) -> list[Layer]:
        hidden_neuron(narrow, self.layer, self.neuron)
        weight, bias, activation = narrow[self.layer]
        facts = activation_of(activation)
        if abs(self.factor) != 1 and facts.degree is None:
            raise ValueError(f"{facts.name} is not homogeneous: scaling by {self.factor} changes the output")
        if self.factor < 0 and not facts.odd:
            raise ValueError(f"{facts.name} is not odd: the factor must be positive, got {self.factor}")
        factor = weight.new_tensor(self.factor)
        if coefficients is not None and len(coefficients):
            factor = coefficients[0]
        chosen = torch.arange(weight.shape[0], device=weight.device) == self.neuron
        incoming = torch.where(chosen, factor, torch.ones_like(factor))  # (width,)
        power = factor.sign() * factor.abs() ** (facts.degree if facts.degree is not None else 1.0)
        outgoing = torch.where(chosen, 1 / power, torch.ones_like(factor))
        following = narrow[self.layer + 1]
        wide = list(narrow)
        wide[self.layer] = Layer(
            weight * incoming[:, None], None if bias is None else bias * incoming, activation
        )
        wide[self.layer + 1] = following._replace(weight=following.weight * outgoing)
        return wide

    def __str__(self) -> str:
        return (
            f"scale the incoming weights of neuron {self.neuron} of layer {self.layer} by {self.factor:.6g}"
        )
