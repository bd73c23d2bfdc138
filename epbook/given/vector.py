"""The parameters of a network as one vector θ, and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from epbook.networks import Layer


def flat(found: Sequence[Layer]) -> Tensor:
    """θ of layers as one vector (P,), layer by layer: the weight row by row, then the bias.

    Raises nothing of its own. Source: torch.nn.utils.parameters_to_vector, for a Linear as PyTorch makes it.

    >>> flat([Layer(torch.ones(1, 2), torch.zeros(1), None)]).tolist()
    [1.0, 1.0, 0.0]
    """
    pieces = (part.reshape(-1) for layer in found for part in layer[:2] if part is not None)
    return torch.cat(list(pieces))


def unflat(found: Sequence[Layer], theta: Tensor) -> list[Layer]:
    """The same layers with the parameters θ, as views of it; the inverse of `flat`.

    theta: (P,), in the order of `flat`. Raises nothing of its own. Source:
    torch.nn.utils.vector_to_parameters.

    >>> unflat([Layer(torch.ones(1, 2), torch.zeros(1), None)], torch.arange(3.0))[0].bias.tolist()
    [2.0]
    """
    built, start = [], 0
    for weight, bias, activation in found:
        W = theta[start : start + weight.numel()].view(weight.shape)
        start += weight.numel()
        b = None if bias is None else theta[start : start + bias.numel()]
        start += 0 if bias is None else bias.numel()
        built.append(Layer(W, b, activation))
    return built
