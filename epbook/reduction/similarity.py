"""Which neurons of a layer do the same thing, and how loud each one is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.neurons import distance, features


def similarity(net: nn.Sequential, *, layer: int = 0) -> Tensor:
    """How nearly each pair of neurons of a hidden layer can be merged: 1 where nothing is lost.

    s_jk = û_j·û_k, the inner product of the normalised u = (w, b), where σ is homogeneous (ReLU);
    s_jk = 1 − ‖u_j − u_k‖²/(‖u_j‖² + ‖u_k‖²), which is 1 for equal u only, where it is not (tanh).
    For odd σ the larger of s(u_j, u_k) and s(u_j, −u_k), since a σ(−z) = −a σ(z).

    net: a Sequential of Linear and elementwise activations. Returns (m, m), in [−1, 1], symmetric, float64.
    Raises ValueError for a layer that is not there, and as `ep.layers` does.
    Source: textbook section 1.4, figure 1.7(b); the second measure is this book's.

    >>> net = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.tensor([[1.0], [3.0]]))
    >>> similarity(net).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    >>> net[1] = nn.Tanh()
    >>> [round(s, 6) for s in similarity(net)[0].tolist()]
    [1.0, 0.6]
    """
    neurons = features(net, layer=layer)
    return torch.as_tensor(1 - distance(neurons), device=neurons.incoming.device)


def amplitude(net: nn.Sequential, *, layer: int = 0) -> Tensor:
    """How much each neuron of a hidden layer can contribute to the next layer.

    ‖A_k‖ = ‖a_k‖·‖u_k‖ where σ is homogeneous, else ‖a_k‖·(|σ(0)| + ‖u_k‖), u = (w, b).

    Returns (m,), per unit of ‖[x; 1]‖, float64. Raises ValueError as `similarity` does.
    Source: textbook sections 1.1 and 1.4 (A = |a|·‖w‖).

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 3, std=1.0)
    >>> torch.allclose(amplitude(net), net[2].weight[0].abs() * torch.hypot(net[0].weight[:, 0], net[0].bias))
    True
    """
    return features(net, layer=layer).strength
