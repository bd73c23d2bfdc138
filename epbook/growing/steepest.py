"""The direction in which splitting a neuron lowers the loss most: the least eigenvector of the law."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.checks import choice
from epbook.critical.problem import Problem
from epbook.embedding.rounding import loss_behind, slope
from epbook.given import differentiable, read, refuse_meta
from epbook.losses import Loss, mse_loss
from epbook.networks import Layer, augmented, forward, hidden, hidden_neuron
from epbook.results import Result

ALONG = ("Q", "S")
DENSE = 40  # up to this size all eigenvalues are cheaper than a few of them


@dataclass(frozen=True, eq=False)
class Turn(Result):
    """A split of one neuron and the direction in which its two parts move, in units of the data.

    (w, C) ↦ (w − α ε ξ, (1−α) C − ε η), (w + (1−α) ε ξ, α C + ε η): to second order the loss changes by
    ½ ε² value, where ε is the length of the whole move. ξ: (d,), with the bias last; η: (next width,).
    Source: this book, page on growing.
    """

    neuron: int
    alpha: float
    value: float
    xi: Tensor
    eta: Tensor


class Neurons:
    """All neurons of one hidden layer as the law sees them, in units of the data: S and M as products.

    S_j v = X̃ᵀ((e·c_j) σ''(z_j) X̃v), M_j v = (e σ'(z_j))ᵀ X̃v; no matrix of d² numbers is made.
    Source: this book, page on the embedding principle.
    """

    def __init__(self, problem: Problem, layer: int) -> None:
        found = problem.layers(problem.start)
        here, following = found[layer], found[layer + 1]
        inputs = forward(found[:layer], problem.x)
        z = here.affine(inputs)
        a = z if here.activation is None else here.activation(z)
        pre = following.affine(a)
        e, _ = slope(loss_behind(found, layer, problem.loss, problem.y), pre, torch.zeros_like(pre))
        if here.bias is not None:
            inputs = augmented(inputs)
        facts = activation_of(here.activation)
        self.x = inputs.numpy()  # (n, d)
        self.e = e.numpy()  # (n, k)
        self.C = following.weight.numpy()  # (k, m)
        self.first, self.second = facts.first(z).numpy(), facts.second(z).numpy()  # (n, m)

    def operator(self, neuron: int, along: str) -> LinearOperator:
        """The Hessian on the moves that keep Σ C and Σ w: [[S/2, Mᵀ], [M, 0]] for halves, or S/2 alone."""
        x, d = self.x, self.x.shape[1]
        bent = (self.e @ self.C[:, neuron]) * self.second[:, neuron] / 2
        pulled = self.e * self.first[:, neuron : neuron + 1]

        def product(v: NDArray) -> NDArray:
            v = v.ravel()
            onto = x @ v[:d]
            if along == "S":
                return np.asarray(x.T @ (bent * onto))
            return np.concatenate([x.T @ (bent * onto + pulled @ v[d:]), pulled.T @ onto])

        size = d if along == "S" else d + self.e.shape[1]
        return LinearOperator((size, size), matvec=product, dtype=np.float64)

    def extreme(self, neuron: int, along: str, *, which: str = "SA") -> tuple[float, NDArray]:
        """The least (SA) or largest (LA) eigenvalue of that matrix, with its unit eigenvector."""
        matrix = self.operator(neuron, along)
        if matrix.shape[0] <= DENSE:
            values, vectors = np.linalg.eigh(matrix @ np.eye(matrix.shape[0]))
            place = 0 if which == "SA" else -1
            return float(values[place]), vectors[:, place]
        start = np.random.default_rng(0).standard_normal(matrix.shape[0])
        values, vectors = eigsh(matrix, k=1, which=which, v0=start, tol=1e-4)
        return float(values[0]), vectors[:, 0]

    def turn(self, neuron: int, along: str, *, which: str = "SA") -> Turn:
        """The steepest move of this neuron's parts: halves for the least eigenvalue, else α = 3/2."""
        value, vector = self.extreme(neuron, along, which=which)
        d = self.x.shape[1]
        alpha = 0.5 if which == "SA" else 1.5
        # The two parts move by α and 1 − α of ξ: this makes the whole move one unit long.
        length = math.hypot(alpha, 1 - alpha)
        xi = torch.from_numpy(vector[:d].copy()) / length
        eta = torch.from_numpy(vector[d:].copy()) / math.sqrt(2)
        if along == "S":
            eta = xi.new_zeros(self.e.shape[1])
        # value belongs to S/2, and the loss feels α(1−α) ξᵀSξ.
        return Turn(neuron, alpha, value * 2 * alpha * (1 - alpha) / length**2, xi, eta)


def turned(found: list[Layer], layer: int, turns: list[Turn], step: float) -> list[Layer]:
    """The layers after these splits, each with its parts moved apart by ε = step; new neurons stand last.

    Source: this book, page on growing.
    """
    here, following = found[layer], found[layer + 1]
    W = torch.cat([here.incoming, here.incoming[[turn.neuron for turn in turns]]])
    C = torch.cat([following.weight, following.weight[:, [turn.neuron for turn in turns]]], dim=1)
    for place, turn in enumerate(turns, start=here.width):
        W[turn.neuron] -= turn.alpha * step * turn.xi
        W[place] += (1 - turn.alpha) * step * turn.xi
        C[:, turn.neuron] = (1 - turn.alpha) * C[:, turn.neuron] - step * turn.eta
        C[:, place] = turn.alpha * C[:, place] + step * turn.eta
    return widened(found, layer, W, C)


def widened(found: list[Layer], layer: int, incoming: Tensor, outgoing: Tensor) -> list[Layer]:
    """The layers with other weights into and out of one hidden layer. Source: this book, page on growing."""
    here = found[layer]
    biased, d = here.bias is not None, here.inputs
    wide = list(found)
    wide[layer] = Layer(incoming[:, :d], incoming[:, d] if biased else None, here.activation)
    wide[layer + 1] = found[layer + 1]._replace(weight=outgoing)
    return wide


def steepest_split(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    layer: int = 0,
    neuron: int | None = None,
    along: str = "Q",
) -> Turn:
    """The half split that lowers the loss most to second order: least eigenvector of [[S/2, Mᵀ], [M, 0]].

    ΔR = ½ ε² λ_min, for parts that move apart by ξ in what comes in and by η in what goes out.

    net: any nn.Sequential of Linear and elementwise activations. x, y: as in `ep.hessian`. neuron: default
    the one of the least λ_min. along: "Q" (S and M together) or "S" alone, the splitting matrix. Everything
    is in units of the data. For d incoming and k outgoing weights a step of Lanczos costs n(d + k): no matrix
    is made. Returns a `Turn`. Raises ValueError for a layer, neuron or option that is not there, and as
    `ep.hessian` does. Source: Wu, Wang and Liu 2019 (S); this book, page on growing (Q).

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> net = ep.growing.fit(ep.two_layer(1, 1, activation=nn.Tanh, std=1.0), x, y).net
    >>> steepest_split(net, x, y, along="S").value < 0
    True
    """
    choice(along, "along", ALONG)
    with differentiable():
        given = read(net, x, y, loss=loss)
        refuse_meta(given.layers)
        width = hidden(given.layers, layer)
        chosen = range(width) if neuron is None else [hidden_neuron(given.layers, layer, neuron)]
        seen = Neurons(Problem(given), layer)
        return min((seen.turn(each, along) for each in chosen), key=lambda turn: turn.value)
