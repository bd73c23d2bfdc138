"""Comparing a reduced network with the one it came from: what they predict."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.given import is_finite, read, refuse_meta
from epbook.given.data import table
from epbook.networks import forward


def agreement_matrix(net: nn.Sequential, small: nn.Sequential, x: Tensor) -> Tensor:
    """How often `net` predicts class i where `small` predicts class j.

    C_ij = #{x : argmax net(x) = i, argmax small(x) = j}; the predictions agree on the diagonal.

    x: (n, inputs). Returns counts, (classes, classes). Raises ValueError where outputs differ in number, are
    single or not finite, and where there are no data. Source: textbook section 1.4, figure 1.7(d).

    >>> net = nn.Sequential(nn.Linear(2, 2, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.eye(2))
    >>> agreement_matrix(net, net, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]])).tolist()
    [[1, 0], [0, 2]]
    """
    (first, classes), (second, others) = predicted(net, x), predicted(small, x)
    if classes != others:
        raise ValueError(f"the networks tell {classes} and {others} classes apart: they cannot agree")
    return torch.bincount(first * classes + second, minlength=classes**2).reshape(classes, classes)


def agreement(net: nn.Sequential, small: nn.Sequential, x: Tensor) -> float:
    """Share of the inputs for which two networks predict the same class, from 0 to 1.

    x: (n, inputs). Σ_i C_ii / n with C of `agreement_matrix`, which also says what is refused: raises the
    same. Source: textbook section 1.4 ("about 98.5 %").

    >>> net = nn.Sequential(nn.Linear(2, 3))
    >>> agreement(net, net, torch.zeros(4, 2))
    1.0
    """
    matrix = agreement_matrix(net, small, x)
    return matrix.trace().item() / matrix.sum().item()


def accuracy(net: nn.Sequential, x: Tensor, y: Tensor) -> float:
    """Share of the inputs classified rightly, argmax net(x) = class of y, from 0 to 1.

    x: (n, inputs). y: class labels, (n,) whole numbers, or one-hot, (n, classes). Raises ValueError where
    they are neither, and as `agreement` does. Source: standard.

    >>> net = nn.Sequential(nn.Linear(3, 3, bias=False))
    >>> _ = net[0].weight.data.copy_(torch.eye(3))
    >>> accuracy(net, torch.eye(3), torch.eye(3)), accuracy(net, torch.eye(3), torch.tensor([0, 1, 1]))
    (1.0, 0.6666666666666666)
    """
    said, classes = predicted(net, x)
    return (said == labels(y, len(said), classes, said.device)).double().mean().item()


def predicted(net: nn.Sequential, x: Tensor) -> tuple[Tensor, int]:
    """(the class that the network predicts for each input, (n,), and how many classes there are).

    argmax_i f_i(x). Raises ValueError where the output is single or not finite. Source: standard.

    >>> predicted(nn.Sequential(nn.Linear(1, 3)), torch.zeros(2, 1))[1]
    3
    """
    given = read(net, x)
    if given.x is None:
        raise TypeError("x must be a tensor of real numbers, got None")
    refuse_meta(given.layers)
    if given.outputs < 2:
        raise ValueError("the network has a single output: classes need at least two, one for each")
    output = forward(given.layers, given.x)
    if not is_finite(output):
        sample = int((~torch.isfinite(output)).any(dim=1).nonzero()[0])
        raise ValueError(f"the output for x[{sample}] is not finite: the network predicts nothing there")
    return output.argmax(dim=1), given.outputs


def labels(y: Tensor, n: int, classes: int, device: torch.device) -> Tensor:
    """The class of each of n samples, (n,), from labels or one-hot rows.

    Source: the conventions of PyTorch's cross_entropy.

    >>> labels(torch.tensor([[0.0, 1.0]]), 1, 2, torch.device("cpu")).tolist()
    [1]
    """
    y = table(y, "y", device)
    if y.shape == (n, classes):
        return y.argmax(dim=1)
    if y.shape != (n,) or y.is_floating_point() or y.dtype is torch.bool:
        raise ValueError(
            f"y must hold class labels, whole numbers of shape ({n},), or one-hot rows of shape "
            f"({n}, {classes}), got {tuple(y.shape)}, {y.dtype}"
        )
    if y.min() < 0 or y.max() >= classes:
        wrong = y[(y < 0) | (y >= classes)][0].item()
        raise ValueError(f"y holds the label {wrong}: the network knows the classes 0 to {classes - 1}")
    return y.long()
