"""Directions in which a network's output does not change at all: the zeros of the Hessian one can explain."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.given import read
from epbook.networks import Layer

# Two neurons are copies where their input weights agree to this part of their length.
SAME = 1e-10
# Outgoing weights below this part of the largest are zero.
ABSENT = 1e-12


def null_directions(net: nn.Sequential, H: Tensor | NDArray, *, tolerance: float | None = None) -> Tensor:
    """Kernel directions of the Hessian that a symmetry of the network explains.

    Copies j, k of one neuron (w_j = w_k; for odd σ also w_j = −w_k): moving an outgoing weight from j to k
    leaves f as it is. σ(cz) = c^p σ(z): so does (w_j, b_j, c_j) → (t w_j, t b_j, t^−p c_j). A neuron with
    c_j = 0: (w_j, b_j) may move on the solutions of ∂R/∂c_j = 0, a smooth set where its Jacobian has full
    rank. Of all combinations of these, those with ‖H v‖ ≤ tolerance are returned: along them ∇R stays zero.

    H: (P, P), the Hessian at a critical point of the network. tolerance: default P · 2.2e-16 · 1e3 · max|λ|.
    Returns orthonormal columns, (P, k), to be handed to `inertia(H, null=...)`. Raises TypeError where
    the network is not one of `layers`, ValueError where H does not fit it.
    Source: EP21 theorem 2 (copies); chapter section 1.3.

    >>> import epbook as ep
    >>> copies = (torch.ones(2, 1), None, nn.Tanh()), (torch.ones(1, 2), None, None)
    >>> null_directions(ep.sequential(list(copies)), np.zeros((4, 4))).numpy().round(3).T.tolist()
    [[0.0, 0.0, -0.707, 0.707]]
    """
    given = read(net)
    found, size = given.layers, len(given.theta)
    H = np.asarray(H, dtype=np.float64)
    if H.shape != (size, size):
        raise ValueError(f"H must be of shape {(size, size)} for this network, got {H.shape}")
    return torch.from_numpy(explained(found, H, tolerance))


def explained(found: list[Layer], H: NDArray, tolerance: float | None = None) -> NDArray:
    """`null_directions` for a network that is already opened."""
    if tolerance is None:
        tolerance = 1e3 * len(H) * np.finfo(np.float64).eps * float(np.abs(np.linalg.eigvalsh(H)).max())
    candidates = _candidates(found, H, tolerance)
    if not candidates:
        return np.zeros((len(H), 0))
    left, strength, _ = np.linalg.svd(np.array(candidates).T, full_matrices=False)
    basis = left[:, strength > 1e-10 * strength[0]]
    _, moved, right = np.linalg.svd(H @ basis, full_matrices=False)
    return basis @ right[moved <= tolerance].T


def _candidates(found: list[Layer], H: NDArray, tolerance: float) -> list[NDArray]:
    """Tangents of all these sets, as vectors in the order of parameters_to_vector."""
    tangents, start, size = [], 0, len(H)
    for layer, after in itertools.pairwise(found):
        full, A = layer.incoming.numpy(), after.weight.numpy()
        m, d = layer.weight.shape
        inner = np.arange(m * d).reshape(m, d) + start
        if layer.bias is not None:
            inner = np.hstack([inner, start + m * d + np.arange(m)[:, None]])
        start += full.size
        outer = start + np.arange(A.size).reshape(A.shape)
        sigma = activation_of(layer.activation)
        for j, k, sign in _copies(full, odd=sigma.odd):
            for q in range(len(A)):
                v = np.zeros(size)
                v[outer[q, j]], v[outer[q, k]] = -sign, 1.0
                tangents.append(v)
        for j in range(m) if sigma.degree is not None else ():
            v = np.zeros(size)
            v[inner[j]], v[outer[:, j]] = full[j], -sigma.degree * A[:, j]
            if v.any():
                tangents.append(v)
        for j in np.flatnonzero(np.abs(A).max(axis=0) <= ABSENT * np.abs(A).max()):
            jacobian = H[np.ix_(outer[:, j], inner[j])]
            if np.linalg.svd(jacobian, compute_uv=False)[-1] > tolerance and len(outer) < inner.shape[1]:
                tangents.extend(np.eye(size)[inner[j]])
    return tangents


def _copies(full: NDArray, *, odd: bool) -> list[tuple[int, int, float]]:
    """Pairs (j, k, sign) with w̃_k = sign · w̃_j; of more than two copies, each with the first."""
    pairs, taken = [], set()
    lengths = np.linalg.norm(full, axis=1)
    for j in range(len(full)):
        for k in range(j + 1, len(full)):
            if k in taken:
                continue
            for sign in (1.0, -1.0) if odd else (1.0,):
                if np.linalg.norm(full[k] - sign * full[j]) <= SAME * lengths[j]:
                    pairs.append((j, k, sign))
                    taken.add(k)
                    break
    return pairs
