"""Null embedding: a new neuron that neither listens nor speaks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.embedding.plan import Embedded, Parts, Plan, Step, carried_out, empty
from epbook.networks import hidden


@dataclass(frozen=True)
class Null(Step):
    """A neuron with zero incoming and zero outgoing weights joins hidden layer `layer`.

    Its output is the constant σ(bias). The gradient of its outgoing weights is σ(bias)·E[e], e = error
    of the next layer. It vanishes where the next layer has a bias, whose own gradient is E[e], or where
    σ(bias) = 0. `rewrite` raises ValueError elsewhere: the wide point would not be critical.
    Source: JML22 (null embedding); the condition is checked in the chapter on section 1.3.

    >>> print(Null(0, 0.5))
    add a null neuron with bias 0.5 to layer 0
    """

    layer: int
    bias: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.bias):
            raise ValueError(f"the bias of a null neuron must be finite, got {self.bias!r}")

    def coefficients(self, narrow: Parts) -> Tensor:
        hidden(narrow, self.layer)
        weight, bias, _ = narrow[self.layer]
        # With a bias in the next layer, every bias of the null neuron gives a critical point: one direction.
        free = bias is not None and narrow[self.layer + 1][1] is not None
        return torch.tensor([self.bias], dtype=weight.dtype) if free else empty(narrow)

    def rewrite(self, narrow: Parts, coefficients: Tensor | None = None) -> Parts:
        hidden(narrow, self.layer)
        weight, bias, activation = narrow[self.layer]
        following, following_bias, following_activation = narrow[self.layer + 1]
        if bias is None and self.bias != 0:
            raise ValueError(f"layer {self.layer} has no bias, so a null neuron cannot have bias {self.bias}")
        value = torch.tensor([self.bias], dtype=weight.dtype)
        constant = activation_of(activation).value(value).item()
        if following_bias is None and constant != 0:
            raise ValueError(
                f"a null neuron with bias {self.bias} is not critical: its output is the constant "
                f"{constant:.6g}, and layer {self.layer + 1} has no bias that balances it. Use a bias with "
                "σ(bias) = 0, or a network with biases in that layer"
            )
        if coefficients is not None and len(coefficients):
            value = coefficients
        wide = list(narrow)
        wide[self.layer] = (
            torch.cat([weight, weight.new_zeros(1, weight.shape[1])]),
            None if bias is None else torch.cat([bias, value]),
            activation,
        )
        wide[self.layer + 1] = (
            torch.cat([following, following.new_zeros(following.shape[0], 1)], dim=1),
            following_bias,
            following_activation,
        )
        return wide

    def __str__(self) -> str:
        return f"add a null neuron with bias {self.bias:.6g} to layer {self.layer}"


def add_null(net: nn.Sequential, layer: int = 0, *, bias: float = 0.0, return_plan: bool = False) -> Embedded:
    """Add a neuron with zero incoming and outgoing weights; refused where the result is not critical.

    (W, b), W⁺ ↦ ([W; 0], [b; bias]), [W⁺, 0]. Critical if the next layer has a bias or σ(bias) = 0.

    net: any nn.Sequential of Linear and elementwise activations. layer: hidden layer, 0 is the first.
    bias: pre-activation of the new neuron. Returns a new network (with its Plan where return_plan).
    Raises ValueError for a layer that is not there, a bias that is not finite or that the layer cannot
    hold, and a constant output σ(bias) ≠ 0 that no bias balances. Source: JML22 (arXiv 2111.15527).

    >>> from epbook.networks import two_layer
    >>> add_null(two_layer(1, 2, output_bias=True), bias=0.5)[0].bias[-1].item()
    0.5
    >>> add_null(two_layer(1, 2), bias=0.5)  # ReLU, no output bias
    Traceback (most recent call last):
    ValueError: a null neuron with bias 0.5 is not critical: its output is the constant 0.5, and layer 1 has \
no bias that balances it. Use a bias with σ(bias) = 0, or a network with biases in that layer
    """
    return carried_out(Plan((Null(layer, float(bias)),)), net, return_plan)
