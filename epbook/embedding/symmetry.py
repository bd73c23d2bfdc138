"""Trivial critical maps: permuting neurons, and trading scale between their incoming and outgoing weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.embedding.plan import Embedded, Parts, Plan, Step, carried_out, empty
from epbook.networks import hidden, hidden_neuron


@dataclass(frozen=True)
class Permute(Step):
    """Hidden layer `layer` in a new order: new neuron i is old neuron order[i].

    W ↦ ΠW, b ↦ Πb, W⁺ ↦ W⁺Πᵀ. Source: JML22 (trivial critical transforms).

    >>> print(Permute(0, (1, 0)))
    reorder layer 0 as 1, 0
    """

    layer: int
    order: tuple[int, ...]

    def coefficients(self, narrow: Parts) -> Tensor:
        return empty(narrow)

    def rewrite(self, narrow: Parts, coefficients: Tensor | None = None) -> Parts:
        width = hidden(narrow, self.layer)
        if sorted(self.order) != list(range(width)):
            raise ValueError(f"order must name each of the neurons 0 to {width - 1} once, got {self.order}")
        order = list(self.order)
        weight, bias, activation = narrow[self.layer]
        following, following_bias, following_activation = narrow[self.layer + 1]
        wide = list(narrow)
        wide[self.layer] = (weight[order], None if bias is None else bias[order], activation)
        wide[self.layer + 1] = (following[:, order], following_bias, following_activation)
        return wide

    def __str__(self) -> str:
        return f"reorder layer {self.layer} as {', '.join(map(str, self.order))}"


@dataclass(frozen=True)
class Scale(Step):
    """(w, b, c) ↦ (βw, βb, β^−p c) for one neuron of a p-homogeneous σ (ReLU: p = 1), β > 0.

    An odd σ (tanh) allows β = −1: (−w, −b, −c). `rewrite` raises ValueError where σ has no such symmetry.
    Source: JML22 (trivial critical transforms).

    >>> print(Scale(0, 2, 1.5))
    scale the incoming weights of neuron 2 of layer 0 by 1.5
    """

    layer: int
    neuron: int
    factor: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.factor) or self.factor == 0:
            raise ValueError(f"factor must be finite and not zero, got {self.factor!r}")

    def coefficients(self, narrow: Parts) -> Tensor:
        hidden_neuron(narrow, self.layer, self.neuron)
        weight, _, activation = narrow[self.layer]
        if activation_of(activation).degree is None:  # an odd σ offers the isolated β = −1 only
            return empty(narrow)
        return torch.tensor([self.factor], dtype=weight.dtype)

    def rewrite(self, narrow: Parts, coefficients: Tensor | None = None) -> Parts:
        hidden_neuron(narrow, self.layer, self.neuron)
        weight, bias, activation = narrow[self.layer]
        facts = activation_of(activation)
        if abs(self.factor) != 1 and facts.degree is None:
            raise ValueError(f"{facts.name} is not homogeneous: scaling by {self.factor} changes the output")
        if self.factor < 0 and not facts.odd:
            raise ValueError(f"{facts.name} is not odd: the factor must be positive, got {self.factor}")
        factor = torch.tensor(self.factor, dtype=weight.dtype)
        if coefficients is not None and len(coefficients):
            factor = coefficients[0]
        chosen = torch.arange(weight.shape[0]) == self.neuron
        incoming = torch.where(chosen, factor, torch.ones_like(factor))  # (width,)
        power = factor.sign() * factor.abs() ** (facts.degree if facts.degree is not None else 1.0)
        outgoing = torch.where(chosen, 1 / power, torch.ones_like(factor))
        following, following_bias, following_activation = narrow[self.layer + 1]
        wide = list(narrow)
        wide[self.layer] = (
            weight * incoming[:, None],
            None if bias is None else bias * incoming,
            activation,
        )
        wide[self.layer + 1] = (following * outgoing, following_bias, following_activation)
        return wide

    def __str__(self) -> str:
        return (
            f"scale the incoming weights of neuron {self.neuron} of layer {self.layer} by {self.factor:.6g}"
        )


def permute(net: nn.Sequential, layer: int, order: Sequence[int], *, return_plan: bool = False) -> Embedded:
    """Reorder the neurons of one hidden layer: new neuron i is old neuron order[i].

    W ↦ ΠW, b ↦ Πb, W⁺ ↦ W⁺Πᵀ; output, gradient norm and Hessian spectrum are kept.

    net: any nn.Sequential of Linear and elementwise activations. Returns a new network (with its Plan
    where return_plan). Raises ValueError where order is no permutation. Source: JML22.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 3, std=1.0)
    >>> bool((permute(net, 0, [2, 0, 1])[0].bias[0] == net[0].bias[2]))
    True
    """
    return carried_out(Plan((Permute(layer, tuple(order)),)), net, return_plan)


def scale(
    net: nn.Sequential, layer: int, neuron: int, factor: float, *, return_plan: bool = False
) -> Embedded:
    """Scale a neuron's incoming weights and bias by β, its outgoing weights by β^−p.

    σ(βz) = β^p σ(z) keeps the output for a p-homogeneous σ and β > 0; for an odd σ, β = −1 does.

    net: any nn.Sequential of Linear and elementwise activations. Returns a new network (with its Plan
    where return_plan). Raises ValueError where σ lacks the symmetry. Source: JML22.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 1, std=1.0)
    >>> round((scale(net, 0, 0, 4.0)[2].weight / net[2].weight).item(), 6)
    0.25
    """
    return carried_out(Plan((Scale(layer, neuron, float(factor)),)), net, return_plan)
