"""Null embedding: a new neuron that neither listens nor speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from epbook.activations import activation_of
from epbook.checks import finite, whole
from epbook.embedding.step import Step
from epbook.networks import Layer, hidden


@dataclass(frozen=True)
class Null(Step):
    """A neuron with zero incoming and zero outgoing weights joins hidden layer `layer`.

    Its output is the constant σ(bias). The gradient of its outgoing weights is σ(bias)·E[e], e = error
    of the next layer. It vanishes where the next layer has a bias, whose own gradient is E[e], or where
    σ(bias) = 0. `rewrite` raises ValueError elsewhere: the wide point would not be critical.
    Source: JML22 (null embedding); the condition is checked in the appendix on embeddings.

    >>> print(Null(0, 0.5))
    add a null neuron with bias 0.5 to layer 0
    """

    layer: int
    bias: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "layer", whole(self.layer, "layer"))
        object.__setattr__(self, "bias", finite(self.bias, "the bias of a null neuron"))

    def coefficients(self, narrow: Sequence[Layer]) -> Tensor:
        hidden(narrow, self.layer)
        # With a bias in the next layer, every bias of the null neuron gives a critical point: one direction.
        free = narrow[self.layer].bias is not None and narrow[self.layer + 1].bias is not None
        return narrow[0].weight.new_tensor([self.bias] if free else [])

    def rewrite(self, narrow: Sequence[Layer], coefficients: Tensor | None = None) -> list[Layer]:
        hidden(narrow, self.layer)
        weight, bias, activation = narrow[self.layer]
        following = narrow[self.layer + 1]
        if bias is None and self.bias != 0:
            raise ValueError(f"layer {self.layer} has no bias, so a null neuron cannot have bias {self.bias}")
        constant = activation_of(activation).value(torch.tensor([self.bias], dtype=torch.float64)).item()
        if following.bias is None and constant != 0:
            raise ValueError(
                f"a null neuron with bias {self.bias} is not critical: its output is the constant "
                f"{constant:.6g}, and layer {self.layer + 1} has no bias that balances it. Use a bias with "
                "σ(bias) = 0, or a network with biases in that layer"
            )
        value = weight.new_tensor([self.bias])
        if coefficients is not None and len(coefficients):
            value = coefficients
        wide = list(narrow)
        wide[self.layer] = Layer(
            torch.cat([weight, weight.new_zeros(1, weight.shape[1])]),
            None if bias is None else torch.cat([bias, value]),
            activation,
        )
        silent = following.weight.new_zeros(following.width, 1)
        wide[self.layer + 1] = following._replace(weight=torch.cat([following.weight, silent], dim=1))
        return wide

    def __str__(self) -> str:
        return f"add a null neuron with bias {self.bias:.6g} to layer {self.layer}"
