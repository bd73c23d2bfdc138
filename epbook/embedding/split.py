"""Splitting a neuron: the one-step embedding of the textbook, and its k-way form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from epbook.checks import finite, whole
from epbook.embedding.step import Step
from epbook.networks import Layer, hidden_neuron


@dataclass(frozen=True)
class Split(Step):
    """Neuron `neuron` of hidden layer `layer` becomes k neurons that share its outgoing weights.

    (w, b, c) ↦ (w, b, f_1 c), …, (w, b, f_k c) with Σ f_i = 1. The neuron itself keeps f_1, the copies
    join at the end of the layer. Raises ValueError where the fractions are fewer than 2, not finite, or
    do not sum to 1. Source: textbook section 1.3, figure 1.4; EP21.

    >>> print(Split(0, 1, (0.7, 0.3)))
    split neuron 1 of layer 0 into 2, outgoing weights shared as 0.7, 0.3
    """

    layer: int
    neuron: int
    fractions: tuple[float, ...]

    def __post_init__(self) -> None:
        fractions = tuple(finite(fraction, "each of the fractions") for fraction in self.fractions)
        if len(fractions) < 2:
            raise ValueError(f"fractions must be at least two finite numbers, got {self.fractions!r}")
        total = math.fsum(fractions)
        if abs(total - 1) > 1e-12 * max(1.0, max(map(abs, fractions))):
            raise ValueError(
                f"fractions must sum to 1, or the output is not preserved; {fractions} sum to {total!r}"
            )
        object.__setattr__(self, "layer", whole(self.layer, "layer"))
        object.__setattr__(self, "neuron", whole(self.neuron, "neuron"))
        object.__setattr__(self, "fractions", fractions)

    @property
    def cancellation(self) -> float:
        """Σ|f_i|: the shares add up to 1."""
        return math.fsum(map(abs, self.fractions))

    def coefficients(self, narrow: Sequence[Layer]) -> Tensor:
        return narrow[0].weight.new_tensor(self.fractions[1:])

    def rewrite(self, narrow: Sequence[Layer], coefficients: Tensor | None = None) -> list[Layer]:
        hidden_neuron(narrow, self.layer, self.neuron)
        moved = self.coefficients(narrow) if coefficients is None else coefficients
        weight, bias, activation = narrow[self.layer]
        following = narrow[self.layer + 1]
        copies = [self.neuron] * len(moved)
        outgoing = following.weight[:, self.neuron]  # (out,)
        this = torch.arange(following.inputs, device=weight.device) == self.neuron
        kept = torch.where(this, 1 - moved.sum(), torch.ones_like(moved.sum()))
        wide = list(narrow)
        wide[self.layer] = Layer(
            torch.cat([weight, weight[copies]]),
            None if bias is None else torch.cat([bias, bias[copies]]),
            activation,
        )
        shared = torch.cat([following.weight * kept, outgoing[:, None] * moved], dim=1)
        wide[self.layer + 1] = following._replace(weight=shared)
        return wide

    def __str__(self) -> str:
        shares = ", ".join(f"{fraction:.6g}" for fraction in self.fractions)
        return (
            f"split neuron {self.neuron} of layer {self.layer} into {len(self.fractions)}, "
            f"outgoing weights shared as {shares}"
        )


def shares(alpha: float | None, fractions: Sequence[float] | None) -> tuple[float, ...]:
    """The shares (f_1, …, f_k) that are meant: (1 − α, α), α = 1/2 unless given, or the fractions themselves.

    Raises ValueError where both are given, or α is not finite. Source: textbook section 1.3.

    >>> shares(0.25, None)
    (0.75, 0.25)
    """
    if fractions is None:
        alpha = 0.5 if alpha is None else finite(alpha, "alpha")
        return 1 - alpha, alpha
    if alpha is not None:
        raise ValueError(f"give alpha or fractions, not both: got alpha={alpha!r}, fractions={fractions!r}")
    try:
        return tuple(fractions)
    except TypeError as error:
        raise ValueError(f"fractions must be a sequence of numbers, got {fractions!r}") from error
