"""Splitting a neuron: the one-step embedding of the chapter, and its k-way form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.embedding.plan import Embedded, Parts, Plan, Step, carried_out
from epbook.networks import hidden_neuron


@dataclass(frozen=True)
class Split(Step):
    """Neuron `neuron` of hidden layer `layer` becomes k neurons that share its outgoing weights.

    (w, b, c) ↦ (w, b, f_1 c), …, (w, b, f_k c) with Σ f_i = 1. The neuron itself keeps f_1, the copies
    join at the end of the layer. Raises ValueError where the fractions are fewer than 2, not finite, or
    do not sum to 1. Source: chapter section 1.3, figure 1.4; EP21.

    >>> print(Split(0, 1, (0.7, 0.3)))
    split neuron 1 of layer 0 into 2, outgoing weights shared as 0.7, 0.3
    """

    layer: int
    neuron: int
    fractions: tuple[float, ...]

    def __post_init__(self) -> None:
        fractions = tuple(float(fraction) for fraction in self.fractions)
        if len(fractions) < 2 or not all(math.isfinite(fraction) for fraction in fractions):
            raise ValueError(f"fractions must be at least two finite numbers, got {self.fractions!r}")
        total = math.fsum(fractions)
        if abs(total - 1) > 1e-12 * max(1.0, max(map(abs, fractions))):
            raise ValueError(
                f"fractions must sum to 1, or the output is not preserved; {fractions} sum to {total!r}"
            )
        object.__setattr__(self, "fractions", fractions)

    def coefficients(self, narrow: Parts) -> Tensor:
        return torch.tensor(self.fractions[1:], dtype=narrow[0][0].dtype)

    def rewrite(self, narrow: Parts, coefficients: Tensor | None = None) -> Parts:
        hidden_neuron(narrow, self.layer, self.neuron)
        moved = self.coefficients(narrow) if coefficients is None else coefficients
        weight, bias, activation = narrow[self.layer]
        following, following_bias, following_activation = narrow[self.layer + 1]
        copies = [self.neuron] * len(moved)
        outgoing = following[:, self.neuron]  # (out,)
        kept = torch.where(
            torch.arange(following.shape[1]) == self.neuron, 1 - moved.sum(), torch.ones_like(moved.sum())
        )
        wide = list(narrow)
        wide[self.layer] = (
            torch.cat([weight, weight[copies]]),
            None if bias is None else torch.cat([bias, bias[copies]]),
            activation,
        )
        wide[self.layer + 1] = (
            torch.cat([following * kept, outgoing[:, None] * moved], dim=1),
            following_bias,
            following_activation,
        )
        return wide

    def __str__(self) -> str:
        shares = ", ".join(f"{fraction:.6g}" for fraction in self.fractions)
        return (
            f"split neuron {self.neuron} of layer {self.layer} into {len(self.fractions)}, "
            f"outgoing weights shared as {shares}"
        )


def split(
    net: nn.Sequential,
    layer: int = 0,
    neuron: int = 0,
    alpha: float | None = None,
    *,
    fractions: Sequence[float] | None = None,
    return_plan: bool = False,
) -> Embedded:
    """Split one neuron; output and every critical point are kept, for every real α.

    T^α: (w, b, c) ↦ (w, b, (1−α)c), (w, b, αc). The gradient map is linear, ∇L(T^αθ) = B_α ∇L(θ), so a
    zero gradient stays zero. With `fractions` (f_1, …, f_k), Σ f_i = 1, into k at once.

    net: any nn.Sequential of Linear and elementwise activations. layer: hidden layer, 0 is the first.
    alpha: share of the new neuron, default 1/2; the new neurons stand at the end of the layer.
    Returns a new network (with its Plan where return_plan). Raises ValueError for a layer or neuron that
    is not there, a share that is not finite, fractions that do not sum to 1, or both alpha and fractions.
    Source: chapter section 1.3, figure 1.4; EP21 (arXiv 2105.14573).

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> wide = split(net, layer=0, neuron=1, alpha=0.25)
    >>> [round(v, 6) for v in (wide[2].weight / net[2].weight[0, 1])[0, 1:].tolist()]
    [0.75, 0.25]
    """
    if alpha is not None and fractions is not None:
        raise ValueError(f"give alpha or fractions, not both: got alpha={alpha!r}, fractions={fractions!r}")
    if fractions is None:
        alpha = 0.5 if alpha is None else float(alpha)
        fractions = (1 - alpha, alpha)
    return carried_out(Plan((Split(layer, neuron, tuple(fractions)),)), net, return_plan)
