"""How far apart neurons are, and groups in which every pair is close."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, pdist, squareform

from epbook.neurons.layer import Neurons


def distance(neurons: Neurons) -> np.ndarray:
    """1 − similarity of every pair of neurons, (m, m): accurate near 0, where inner products are not.

    d_jk = ‖û_j − û_k‖²/2 where σ is homogeneous, else ‖u_j − u_k‖²/(‖u_j‖² + ‖u_k‖²). For odd σ the smaller
    of d(u_j, u_k) and d(u_j, −u_k). In both, neither the unit of x nor that of a matters. Raises nothing of
    its own. Source: textbook section 1.4 for the first; the second is this book's.

    >>> import torch
    >>> from torch import nn
    >>> u, a = torch.tensor([[1.0], [3.0]]), torch.ones(2, 1)
    >>> [round(distance(Neurons(u, a, False, sigma))[0, 1].item(), 6) for sigma in (nn.ReLU(), nn.Tanh())]
    [0.0, 0.4]
    """
    u = neurons.orientation.cpu().numpy()
    apart: np.ndarray
    chord = squareform(pdist(u, "sqeuclidean"), checks=False)
    if neurons.sigma.odd:
        chord = np.minimum(chord, cdist(u, -u, "sqeuclidean"))
    norm = neurons.norm.cpu().numpy()
    if neurons.homogeneous:
        apart = chord / 2
        apart[norm == 0] = apart[:, norm == 0] = 1.0  # a zero vector has no orientation
    else:
        # ‖u_j − u_k‖² = (‖u_j‖ − ‖u_k‖)² + ‖u_j‖ ‖u_k‖ chord², divided by the larger norm's square.
        large = np.maximum.outer(norm, norm)
        ratio = np.minimum.outer(norm, norm) / np.where(large > 0, large, 1.0)
        ratio[large == 0] = 1.0  # two zero vectors are equal
        apart = ((1 - ratio) ** 2 + ratio * chord) / (1 + ratio**2)
    np.fill_diagonal(apart, 0.0)
    return apart


def equal_up_to(eps: float) -> float:
    """The `distance` up to which neurons are equal, for weights of relative precision eps.

    Half its square, as a distance is: a relative difference of 1e-9, or of 8 eps in a coarser number type,
    the rounding of weights that were split, scaled and summed a few times. Raises nothing of its own. Source:
    the book's own.

    >>> equal_up_to(2.0**-52) < 1e-17 < equal_up_to(2.0**-23) < 1e-11
    True
    """
    return max(1e-9, 8 * eps) ** 2 / 2


def clusters(apart: np.ndarray, chosen: Iterable[int], height: float) -> tuple[tuple[int, ...], ...]:
    """Groups of the chosen neurons in which no pair is further apart than `height`, by complete linkage.

    apart: (m, m), as `distance` gives it. Single linkage or a greedy pass only chain neurons together,
    and the ends of a chain can be far apart. Returned in the order of their first members. Raises nothing of
    its own. Source: scipy.cluster.hierarchy.

    >>> line = np.array([0.0, 0.6, 1.2, 9.0])
    >>> clusters(abs(line[:, None] - line), range(4), 1.0)
    ((0, 1), (2,), (3,))
    """
    chosen = np.fromiter(chosen, dtype=int)
    if len(chosen) < 2:
        return tuple((int(k),) for k in chosen)
    tree = linkage(squareform(apart[np.ix_(chosen, chosen)], checks=False), "complete")
    labels = fcluster(tree, height, "distance")
    found = [tuple(chosen[labels == label].tolist()) for label in np.unique(labels)]
    return tuple(sorted(found))  # members ascend, so this is the order of first members
