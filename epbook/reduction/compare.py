"""Comparing a reduced network with the one it came from: predictions, and plain pruning as the peer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from epbook.given import layers
from epbook.networks import hidden, sequential


def agreement_matrix(net: nn.Sequential, small: nn.Sequential, x: Tensor) -> Tensor:
    """How often `net` predicts class i where `small` predicts class j.

    C_ij = #{x : argmax net(x) = i, argmax small(x) = j}; the predictions agree on the diagonal.

    Returns counts, (classes, classes). Raises ValueError where outputs differ in number or are single.
    Source: chapter section 1.4, figure 1.7(d).

    >>> net = nn.Sequential(nn.Linear(2, 2, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.eye(2))
    >>> agreement_matrix(net, net, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]])).tolist()
    [[1, 0], [0, 2]]
    """
    with torch.no_grad():
        first, second = net(x), small(x)
    if first.shape != second.shape or first.ndim != 2 or first.shape[1] < 2:
        raise ValueError(f"outputs of shapes {tuple(first.shape)} and {tuple(second.shape)} have no classes")
    classes = first.shape[1]
    pairs = first.argmax(dim=1) * classes + second.argmax(dim=1)
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def agreement(net: nn.Sequential, small: nn.Sequential, x: Tensor) -> float:
    """Share of the inputs for which two networks predict the same class, from 0 to 1.

    Σ_i C_ii / n with C of `agreement_matrix`, which also says what is refused.
    Source: chapter section 1.4 ("about 98.5 %").

    >>> net = nn.Sequential(nn.Linear(2, 3))
    >>> agreement(net, net, torch.zeros(4, 2))
    1.0
    """
    matrix = agreement_matrix(net, small, x)
    return matrix.trace().item() / matrix.sum().item()


def accuracy(net: nn.Sequential, x: Tensor, y: Tensor) -> float:
    """Share of the inputs classified rightly, argmax net(x) = argmax y, from 0 to 1.

    y: one-hot, (n, classes). Raises ValueError where the shapes differ. Source: standard.

    >>> net = nn.Sequential(nn.Identity())
    >>> accuracy(net, torch.eye(3), torch.eye(3))
    1.0
    """
    with torch.no_grad():
        output = net(x)
    if output.shape != y.shape:
        raise ValueError(f"output of shape {tuple(output.shape)}, y of shape {tuple(y.shape)}")
    return float((output.argmax(dim=1) == y.argmax(dim=1)).double().mean())


def magnitude_prune(net: nn.Sequential, width: int, *, layer: int = 0) -> nn.Sequential:
    """Plain structured magnitude pruning: the `width` neurons with the largest input weights stay.

    The rows of W with the smallest ‖w_k‖₂ are removed (torch.nn.utils.prune.ln_structured, n = 2), and
    with them their outgoing weights; nothing makes up for what they did.

    Returns a new, smaller network. Raises ValueError for a width not between 1 and the layer's, or a
    layer that is not there. Source: the peer in section 1.4; Li et al. (2017) for filters.

    >>> from epbook.networks import two_layer
    >>> magnitude_prune(two_layer(2, 6), 4)[0].out_features
    4
    """
    given = layers(net)
    before = hidden(given, layer)
    if width != int(width) or not 1 <= width <= before:
        raise ValueError(f"width must be a whole number from 1 to {before}, got {width!r}")
    linear = sequential([given[layer]])[0]
    if width < before:
        prune.ln_structured(linear, "weight", amount=before - int(width), n=2, dim=0)
        stay = linear.weight_mask[:, 0].bool()
    else:
        stay = torch.ones(before, dtype=torch.bool)
    weight, bias, activation = given[layer]
    following, following_bias, following_activation = given[layer + 1]
    given[layer] = (weight[stay], None if bias is None else bias[stay], activation)
    given[layer + 1] = (following[:, stay], following_bias, following_activation)
    return sequential(given)
