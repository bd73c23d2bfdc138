"""Does Newton's method converge from here? Kantorovich's question, in float64, rounding counted in."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from epbook.critical.inertia import EPS
from epbook.critical.problem import Problem
from epbook.critical.search import Point
from epbook.given import differentiable, unflat
from epbook.networks import forward

# Kantorovich: Newton's method converges to a zero nearby where, over its first step, the derivative changes
# by less than half of itself. A half of that, since we look at one end of the step only.
CONTRACTS = 0.25
# An eigenvalue is resolved where it is so many times larger than what rounding may make of a zero.
RESOLVED = 1e3


def contraction(problem: Problem, point: Point, known: NDArray) -> float:
    """‖|H|^-½ (H(θ + s) − H(θ)) |H|^-½‖ off the `known` flat directions, over Newton's step s.

    Below CONTRACTS there is a critical point within about s. Far out, where the gradient and the curvature
    fall together (as e^-z where σ saturates, as a power where neurons merge), Newton's step is as long as
    what the curvature changes over, so that this is of size 1 however small the gradient is.
    The gradient is known up to rounding only, so s is made longer by what that does in each direction.
    known: orthonormal columns. Infinite where another direction has no curvature beyond rounding.
    """
    curvature, basis = point.eigenvalues, point.vectors
    if known.shape[1]:
        C = complement(known)
        curvature, basis = np.linalg.eigh(C.T @ point.hessian @ C)
        basis = C @ basis
    size = np.abs(curvature)
    if size.min(initial=np.inf) < RESOLVED * point.noise:
        return np.inf
    along = basis.T @ point.gradient
    rounding = np.abs(basis).T @ point.rounding
    step = basis @ (-(along + np.where(along < 0, -rounding, rounding)) / curvature)
    _, _, H = problem.evaluator.evaluate(point.theta + step)
    change = basis.T @ (H - point.hessian) @ basis / np.sqrt(np.outer(size, size))
    return float(np.linalg.norm(change)) if np.isfinite(change).all() else np.inf


def complement(directions: NDArray) -> NDArray:
    """Orthonormal columns that span what is orthogonal to all of the given, independent ones."""
    return np.linalg.qr(directions, mode="complete")[0][:, directions.shape[1] :]


def fits_nearby(problem: Problem, point: Point) -> NDArray | None:
    """The flat directions of a set on which the loss has no slope in f at all, if the point lies on one.

    e(θ) = ∂R/∂f = 0 at every sample and output (for the MSE: f = y) is a system of n·p equations. Where its
    Jacobian has full rank and Newton's method for it contracts, θ is on a smooth set of critical points, of
    as many dimensions as there are parameters more than equations. Returns its tangents, orthonormal.
    """

    def slopes(theta: torch.Tensor) -> torch.Tensor:
        f = forward(unflat(problem.found, theta), problem.x)
        pull: torch.Tensor = torch.func.grad(lambda out: problem.loss(out, problem.y))(f)
        return pull.reshape(-1)

    at = torch.from_numpy(point.theta)
    with differentiable():
        e = slopes(at).numpy()
        if len(e) > len(at):
            return None
        J = torch.func.jacrev(slopes)(at).numpy()
        left, strength, right = np.linalg.svd(J)
        if not strength[-1] >= RESOLVED * len(at) * EPS * max(strength[0], 1.0):
            return None
        step = -(left.T @ e) / strength
        there = torch.from_numpy(point.theta + right[: len(e)].T @ step)
        change = torch.func.jacrev(slopes)(there).numpy() - J
    shift = left.T @ change / strength[:, None]
    return right[len(e) :].T if np.linalg.norm(shift) <= CONTRACTS else None
