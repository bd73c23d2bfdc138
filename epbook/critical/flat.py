"""Directions in which a network's output does not change at all: the zeros of the Hessian one can explain."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.critical.inertia import EPS
from epbook.critical.jets import jet_of
from epbook.critical.problem import Problem
from epbook.critical.search import Point
from epbook.given import read
from epbook.losses import is_mse
from epbook.networks import Layer, forward

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
    Source: EP21 theorem 2 (copies); textbook section 1.3.

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
    if tolerance is None:
        tolerance = 1e3 * size * EPS * float(np.abs(np.linalg.eigvalsh(H)).max())
    return torch.from_numpy(_annihilated(_candidates(found, H, tolerance), H, tolerance))


def explained(problem: Problem, point: Point) -> NDArray:
    """`null_directions` of the finder, which also knows the data and the loss.

    What else leaves ∇R at zero: neurons that are constant on the data act through Σ a_j σ(b_j) alone; those
    that are straight, as ReLU is between kinks, through Σ a_j w̃_j of those with one pattern; a loss of
    logits does not change when all logits of a sample do; and where the fit is perfect, an absent neuron may
    be any. Returns orthonormal columns.
    """
    found, H = problem.layers(point.theta), point.hessian
    tolerance = 1e3 * point.noise
    shift = _shifts_all_outputs(problem, found)
    tangents = _candidates(found, H, tolerance, output=1.0, shift=shift, fits=_fits(problem, found))
    if len(found) == 2:
        tangents += _joint(problem, point.theta)
    return _annihilated(tangents, H, tolerance)


def _annihilated(candidates: list[NDArray], H: NDArray, tolerance: float) -> NDArray:
    """Of all combinations v of the candidates those with ‖H v‖ ≤ tolerance, as orthonormal columns."""
    if not candidates:
        return np.zeros((len(H), 0))
    left, strength, _ = np.linalg.svd(np.array(candidates).T, full_matrices=False)
    basis = left[:, strength > 1e-10 * strength[0]]
    _, moved, right = np.linalg.svd(H @ basis, full_matrices=False)
    return np.asarray(basis @ right[moved <= tolerance].T)


def _candidates(
    found: list[Layer],
    H: NDArray,
    tolerance: float,
    *,
    output: float = 0.0,
    shift: bool = False,
    fits: bool = False,
) -> list[NDArray]:
    """Tangents of all these sets, as vectors in the order of parameters_to_vector.

    output: the unit of the output weights where it is known; shift: whether the loss stays as it is when all
    outputs grow alike; fits: whether the fit is perfect.
    """
    tangents, start, size = [], 0, len(H)
    for depth, (layer, after) in enumerate(itertools.pairwise(found)):
        full, A = layer.incoming.numpy(), after.weight.numpy()
        m, d = layer.weight.shape
        inner = np.arange(m * d).reshape(m, d) + start
        if layer.bias is not None:
            inner = np.hstack([inner, start + m * d + np.arange(m)[:, None]])
        start += full.size
        outer = start + np.arange(A.size).reshape(A.shape)
        last = shift and depth == len(found) - 2
        sigma = activation_of(layer.activation)
        for j, k, sign in _copies(full, odd=sigma.odd):
            for q in range(len(A)):
                v = np.zeros(size)
                v[outer[q, j]], v[outer[q, k]] = -sign, 1.0
                tangents.append(v)
        if sigma.degree is not None:
            for j in range(m):
                v = np.zeros(size)
                v[inner[j]], v[outer[:, j]] = full[j], -sigma.degree * A[:, j]
                if v.any():
                    tangents.append(v)
        absent = np.abs(A).max(axis=0) <= ABSENT * max(output, np.abs(A).max())
        for j in [j for j in range(m) if absent[j]]:
            strength = np.linalg.svd(H[np.ix_(outer[:, j], inner[j])], compute_uv=False)
            # ∂R/∂c_j = 0 are as many equations as outputs; one less where all outputs may shift.
            equations = len(outer) - last
            smooth = equations < inner.shape[1] and strength[equations - 1] > tolerance
            if smooth or fits:
                tangents.extend(np.eye(size)[inner[j]])
        if last:
            columns = [outer[:, j] for j in range(m)]
            if after.bias is not None:
                columns.append(start + A.size + np.arange(len(A)))
            for column in columns:
                tangents.append(np.zeros(size))
                tangents[-1][column] = 1.0
    return tangents


def _fits(problem: Problem, found: list[Layer]) -> bool:
    """Whether f = y to rounding under the mean squared error."""
    return is_mse(problem.loss) and bool((forward(found, problem.x) - problem.y).abs().max() <= ABSENT)


def _shifts_all_outputs(problem: Problem, found: list[Layer]) -> bool:
    """Whether the loss stays as it is when all outputs of a sample grow alike, as softmax's does."""
    f = forward(found, problem.x)
    if f.shape[1] < 2 or is_mse(problem.loss) or found[-1].activation is not None:
        return False
    moved = f + torch.linspace(-1, 1, len(f), dtype=f.dtype)[:, None]
    before, after = problem.loss(f, problem.y), problem.loss(moved, problem.y)
    return bool((before - after).abs() <= 1e-12 * (1 + before.abs()))


def _joint(problem: Problem, theta: NDArray) -> list[NDArray]:
    """Kernel of ∂f/∂θ over those neurons of a two-layer net that are constant, and those that are straight.

    Constant: w_j = 0. It adds a_j σ(b_j), so (b_j, a_j) matter only so far as the output bias cannot make
    up for it. Straight: σ(z_i) = σ'(z_i) z_i and σ''(z_i) = 0 for every sample, exactly, and σ with a kink
    (for smooth σ this is rounding). It adds a_j σ'(z_i) w̃_j·x̃_i, linear in a_j w̃_j.
    """
    first, second = problem.layers(theta)
    (inputs, z, sigma), *_ = problem.hidden(theta)
    value, slope, bend = jet_of(sigma)(z)
    W, A = first.weight.numpy(), second.weight.numpy()
    (m, d), biased = W.shape, first.bias is not None
    constant = (np.abs(W) <= ABSENT).all(axis=1) if biased else np.zeros(m, dtype=bool)
    straight = ((bend == 0) & (value == slope * z)).all(axis=0) & ~constant
    if not activation_of(sigma).kinks:
        straight[:] = False
    rows = np.hstack([inputs, np.ones((len(inputs), 1))]) if biased else inputs
    hidden = m * rows.shape[1]
    tangents: list[NDArray] = []
    for group, inner in ((constant, [d]), (straight, range(rows.shape[1]))):
        J, columns = [], []
        for j in np.flatnonzero(group):
            J.append(np.kron(A[:, [j]], slope[:, [j]] * rows[:, list(inner)]))  # ∂f/∂w̃_j, (p·n, …)
            columns += [j * d + k if k < d else m * d + j for k in inner]
            J.append(np.kron(np.eye(len(A)), value[:, [j]]))  # ∂f/∂a_j, (p·n, p)
            columns += [hidden + q * m + j for q in range(len(A))]
        if not J:
            continue
        if second.bias is not None:
            J.append(np.kron(np.eye(len(A)), np.ones((len(rows), 1))))
            columns += [hidden + A.size + q for q in range(len(A))]
        _, strength, right = np.linalg.svd(np.hstack(J))
        for kernel in right[(strength > 1e-10 * strength.max(initial=0.0)).sum() :]:
            tangents.append(np.zeros(len(theta)))
            tangents[-1][columns] = kernel
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
