"""Which neurons of a layer do the same thing: similarity, amplitude and the sums they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.spatial.distance import cdist, pdist, squareform
from torch import Tensor, nn

from epbook.activations import Activation, activation_of
from epbook.given import layers
from epbook.networks import hidden


@dataclass(frozen=True)
class Neurons:
    """One hidden layer as a sum over neurons, z ↦ Σ_k a_k σ(u_k·x̃), x̃ = [x; 1] where it has a bias.

    inputs: u = (w, b), shape (m, d + 1), or w alone, (m, d). outputs: a, shape (m, outputs).
    bias: whether u ends with a bias. activation: the facts of σ.
    """

    inputs: Tensor
    outputs: Tensor
    bias: bool
    activation: Activation

    @classmethod
    def of(cls, net: nn.Sequential, layer: int) -> Neurons:
        given = layers(net)
        hidden(given, layer)  # refuses a layer that is not there
        weight, bias, activation = given[layer]
        inputs = weight if bias is None else torch.cat([weight, bias[:, None]], dim=1)
        outputs = given[layer + 1][0].T.contiguous()
        if not (torch.isfinite(inputs).all() and torch.isfinite(outputs).all()):
            raise ValueError(f"layer {layer} holds weights that are not finite")
        return cls(inputs, outputs, bias is not None, activation_of(activation))

    @cached_property
    def norm(self) -> Tensor:
        """‖u_k‖, shape (m,)."""
        return self.inputs.norm(dim=1)

    @cached_property
    def scale(self) -> Tensor:
        """r_k with a_k σ(u_k·x̃) = a_k r_k σ(û_k·x̃): ‖u_k‖^p where σ is p-homogeneous, else 1 and û = u."""
        degree = self.activation.degree
        return torch.ones_like(self.norm) if degree is None else self.norm**degree

    @cached_property
    def direction(self) -> Tensor:
        """û_k = u_k/‖u_k‖ where σ is homogeneous (0 for u_k = 0), else u_k itself."""
        if self.activation.degree is None:
            return self.inputs
        return self.inputs / torch.where(self.norm > 0, self.norm, torch.ones_like(self.norm))[:, None]

    @cached_property
    def gain(self) -> Tensor:
        """1 where σ is homogeneous, else |σ(0)| + ‖u_k‖: how large σ(û_k·x̃) can be per unit of ‖x̃‖."""
        if self.activation.degree is not None:
            return torch.ones_like(self.norm)
        return self.activation.value(torch.zeros_like(self.norm)).abs() + self.norm

    @property
    def amplitude(self) -> Tensor:
        """‖a_k‖ r_k gain_k: what neuron k can contribute per unit of ‖x̃‖."""
        return self.outputs.norm(dim=1) * self.scale * self.gain

    def together(self, members: list[int]) -> Tensor:
        """Σ_k ±a_k r_k over neurons taken as one, (outputs,): what multiplies σ of their common direction."""
        return (self.sign(members[0], members) * self.scale[members]) @ self.outputs[members]

    def distance(self) -> np.ndarray:
        """1 − similarity for every pair, (m, m): accurate near 0, where inner products are not."""
        u = self.direction.numpy()
        apart = squareform(pdist(u, "sqeuclidean"), checks=False)
        if self.activation.odd:
            apart = np.minimum(apart, cdist(u, -u, "sqeuclidean"))
        if self.activation.degree is None:
            square = (u**2).sum(axis=1)
            both = square[:, None] + square[None, :]
            apart /= np.where(both > 0, both, 1.0)  # two zero vectors are equal: 0/1
        else:
            apart /= 2.0
            zero = ~u.any(axis=1)
            apart[zero] = apart[:, zero] = 1.0  # a zero vector has no direction
        np.fill_diagonal(apart, 0.0)
        return apart

    def only(self, members: list[int]) -> Neurons:
        """These neurons alone."""
        return Neurons(self.inputs[members], self.outputs[members], self.bias, self.activation)

    def sign(self, neuron: int, others: list[int]) -> Tensor:
        """−1 for the `others` that are opposite to `neuron` and σ is odd, else 1."""
        if not self.activation.odd:
            return torch.ones(len(others), dtype=self.inputs.dtype)
        return torch.where(self.inputs[others] @ self.inputs[neuron] < 0, -1.0, 1.0).to(self.inputs.dtype)


def similarity(net: nn.Sequential, layer: int = 0) -> Tensor:
    """How nearly each pair of neurons of a hidden layer can be merged: 1 where nothing is lost.

    s_jk = û_j·û_k, the inner product of the normalised u = (w, b), where σ is homogeneous (ReLU);
    s_jk = 1 − ‖u_j − u_k‖²/(‖u_j‖² + ‖u_k‖²), which is 1 for equal u only, where it is not (tanh).
    For odd σ the larger of s(u_j, u_k) and s(u_j, −u_k), since a σ(−z) = −a σ(z).

    net: a Sequential of Linear and elementwise activations. Returns (m, m), in [−1, 1], symmetric.
    Raises ValueError for a layer that is not there or weights that are not finite.
    Source: chapter section 1.4, figure 1.7(b); the second measure is this book's.

    >>> net = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.tensor([[1.0], [3.0]]))
    >>> similarity(net).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    >>> net[1] = nn.Tanh()
    >>> [round(s, 6) for s in similarity(net)[0].tolist()]
    [1.0, 0.6]
    """
    return torch.as_tensor(1 - Neurons.of(net, layer).distance())


def amplitude(net: nn.Sequential, layer: int = 0) -> Tensor:
    """How much each neuron of a hidden layer can contribute to the next layer.

    A_k = ‖a_k‖·‖u_k‖^p where σ is p-homogeneous, else ‖a_k‖·(|σ(0)| + ‖u_k‖), u = (w, b).

    Returns (m,), per unit of ‖[x; 1]‖. Raises ValueError as `similarity` does.
    Source: chapter sections 1.1 and 1.4 (A = |a|·‖w‖).

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 3, std=1.0)
    >>> torch.allclose(amplitude(net), net[2].weight[0].abs() * torch.hypot(net[0].weight[:, 0], net[0].bias))
    True
    """
    return Neurons.of(net, layer).amplitude
