"""One neuron that stands for a group of similar ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from epbook.neurons.layer import Neurons, lengths, unit


def mean_neuron(neurons: Neurons, group: Sequence[int], sign: Tensor) -> Tensor:
    """u of the one neuron that does what a group does: the mean of theirs, loud ones counting for more.

    Along Σ_k s_k ‖A_k‖ û_k, as long as the members on average, where σ is homogeneous; else Σ_k s_k ‖a_k‖ u_k
    / Σ_k ‖a_k‖.

    sign: (k,), s of `Neurons.sign` for the k members. Returns u, (d,), its bias last. The members must be
    similar (more than 0) and not all silent: then the sum does not vanish. Raises nothing of its own. Source:
    this book's.

    >>> from torch import nn
    >>> u = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    >>> mean_neuron(Neurons(u, torch.ones(2, 1), False, nn.Tanh()), [0, 1], torch.ones(2)).tolist()
    [1.5, 0.5]
    """
    at = list(group)
    weight = lengths(neurons.outer[at])
    weight = weight / weight.sum()
    mean = (weight * sign) @ neurons.inner[at]
    if neurons.homogeneous:
        mean = unit(mean[None])[0] * (weight @ neurons.norm[at])
    return mean


def coefficient(neurons: Neurons, group: Sequence[int], sign: Tensor, incoming: Tensor) -> Tensor:
    """a of a neuron with these u that stands for a group, (outputs,).

    a = Σ_k s_k a_k ‖u_k‖/‖u‖ where σ is homogeneous, else Σ_k s_k a_k.

    sign: (k,), s of `Neurons.sign` for the k members of the group. incoming: (d,), u of the one neuron, its
    bias last. Raises nothing of its own. Source:
    textbook section 1.4 (a_j ← Σ_k a_k‖w_k‖/‖w_j‖).

    >>> from torch import nn
    >>> twins = Neurons(torch.tensor([[1.0], [2.0]]), torch.ones(2, 1), False, nn.ReLU())
    >>> coefficient(twins, [0, 1], torch.ones(2), torch.tensor([2.0])).tolist()
    [1.5]
    """
    at = list(group)
    shares = neurons.norm[at] / lengths(incoming[None]) if neurons.homogeneous else torch.ones_like(sign)
    return (sign * shares) @ neurons.outgoing[at]
