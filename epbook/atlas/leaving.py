"""How a wide network leaves a station: in which directions, and which neuron goes first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.critical import hessian
from epbook.embedding import split_law
from epbook.given import Given, flat, read
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class Leaving(Result):
    """The way from a state that dwells to a later one, in the eigenvectors of the Hessian where it dwells.

    eigenvalues: (P,), of the Hessian, ascending. parts: (P,), of each eigenvector in the displacement d,
    (q_i·d)² / ‖d‖², sum 1. splits: (m,), λ_min(S_j) of every neuron, S_j of `split_law`. moved: (m,), how
    far each neuron went, ‖(Δw_j, Δb_j, Δa_j)‖.
    Source: this book, page on the atlas; S_j: Wu, Wang and Liu (2019).
    """

    eigenvalues: NDArray
    parts: NDArray
    splits: NDArray
    moved: NDArray

    @property
    def down(self) -> int:
        """Number of negative eigenvalues, rounding (1e-12 of the largest) left out."""
        return int((self.eigenvalues < -1e-12 * np.abs(self.eigenvalues).max()).sum())

    @property
    def share(self) -> float:
        """Part of ‖d‖² in the negative eigenspace, 0 to 1."""
        return float(self.parts[: self.down].sum())

    @property
    def chance(self) -> float:
        """What a random direction would have on average: the space's part of all dimensions."""
        return self.down / len(self.eigenvalues)

    @property
    def half(self) -> int:
        """The least number of steepest eigenvectors that hold half of ‖d‖²; a random d needs about P/2."""
        return int(np.searchsorted(np.cumsum(self.parts), 0.5)) + 1

    @property
    def fewest(self) -> int:
        """The least number of eigenvectors, whichever, that hold half of ‖d‖²; a random d needs about P/8.

        Of P squares of normal numbers the largest eighth makes half of the sum: 2(c φ(c) + Φ(−c)) = 1/2 at
        c = 1.54, and 2Φ(−c) = 0.124.
        """
        return int(np.searchsorted(np.cumsum(np.sort(self.parts)[::-1]), 0.5)) + 1

    @property
    def named(self) -> int:
        """The neuron that the law names: the one with the most negative λ_min(S_j)."""
        return int(self.splits.argmin())

    @property
    def left(self) -> int:
        """The neuron that went farthest."""
        return int(self.moved.argmax())

    @property
    def rank(self) -> int:
        """Place of the neuron that went farthest in the law's order, 1 where the law named it."""
        return 1 + int((self.splits < self.splits[self.left]).sum())

    @property
    def steepness(self) -> float:
        """min_j λ_min(S_j) / λ_min(H): how much of the steepest way down one neuron alone accounts for."""
        return float(self.splits.min() / self.eigenvalues[0])


def leaving(net: nn.Sequential, x: Tensor, y: Tensor, *, after: nn.Sequential) -> Leaving:
    """How the way from `net` to `after` lies in the curvatures at `net`, and what each split would add.

    d = θ_after − θ; parts_i = (q_i·d)² / ‖d‖² for the eigenvectors q_i of ∇²R(θ).

    net: two-layer with smooth σ, at a state where training dwells; after: of the same shape, a later state
    of the same run, neuron j still neuron j. x: (n, inputs), y: (n, outputs). Loss: the mean squared error.
    For every h of one pair of equal neurons turned apart the curvature is hᵀS_jh/‖·‖², so λ_min(S_j) tells
    which neuron would split soonest; λ_min(∇²R) holds all of them and the rest together.
    Returns a `Leaving`. Raises ValueError for another depth, other shapes, two equal networks, a kink.
    Source: this book, page on the atlas.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> runs = ep.train_many([5], 1, x, y, steps=60, lr=0.05, std=1e-4, activation="tanh", keep_at=[9, 60])
    >>> way = leaving(runs.at(9, 5, 0), x, y, after=runs.at(60, 5, 0))
    >>> way.share > 0.95, way.chance <= 0.5
    (True, True)
    """
    here, there = read(net, x, y), read(after, x, y)
    shapes = [[layer.incoming.shape for layer in given.layers] for given in (here, there)]
    if len(here.layers) != 2 or shapes[0] != shapes[1]:
        raise ValueError(f"net and after must be two-layer and of one shape, got {net} and {after}")
    d = (flat(there.layers) - flat(here.layers)).numpy()
    if not d.any():
        raise ValueError("net and after are the same network: nothing has left")
    values, vectors = torch.linalg.eigh(hessian(net, x, y))
    width = here.layers[0].width
    splits = [
        float(torch.linalg.eigvalsh(split_law(net, x, y, neuron=neuron).S)[0]) for neuron in range(width)
    ]
    parts = (vectors.numpy().T @ d) ** 2 / (d @ d)
    moved = torch.linalg.norm(_neurons(there) - _neurons(here), dim=1)
    return Leaving(values.numpy(), parts, np.array(splits), moved.numpy())


def _neurons(given: Given) -> Tensor:
    """(w, b, a) of each hidden neuron, a row each."""
    return torch.cat([given.layers[0].incoming, given.layers[1].weight.T], dim=1)
