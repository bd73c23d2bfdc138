"""Two ways down to ∇R = 0 that stop at saddles as readily as at minima, and a last step beyond float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root

from epbook.critical.inertia import EPS
from epbook.critical.problem import Evaluator


class Point:
    """θ with R, ∇R and the eigendecomposition of ∇²R."""

    def __init__(self, evaluator: Evaluator, theta: NDArray) -> None:
        self.theta = theta
        self.loss, self.gradient, self.hessian = evaluator.evaluate(theta)
        self.usable = bool(np.isfinite(self.gradient).all() and np.isfinite(self.hessian).all())
        self.eigenvalues, self.vectors = np.linalg.eigh(self.hessian) if self.usable else (None, None)

    @property
    def norm1(self) -> float:
        """‖∇R‖₁."""
        return float(np.abs(self.gradient).sum())

    @property
    def noise(self) -> float:
        """What rounding may do to an eigenvalue: P · ε · max|λ|."""
        return len(self.theta) * EPS * float(np.abs(self.eigenvalues).max(initial=0.0))

    @property
    def floor(self) -> float:
        """‖∇R‖₁ after the worst change of one parameter by one unit in its last place, from ∇R = 0.

        max_j ulp(θ_j) Σ_i |H_ij|; a parameter that is zero to rounding takes the unit of the largest one.
        """
        size = np.abs(self.theta)
        largest = size.max(initial=0.0)
        unit = np.spacing(np.where(size < 1e-8 * largest, largest, size))
        return float((unit * np.abs(self.hessian).sum(axis=0)).max(initial=0.0))

    def newton(self, gradient: NDArray) -> NDArray:
        """−H⁺ g, the pseudo-inverse truncated at the noise."""
        coordinates = self.vectors.T @ gradient
        keep = np.abs(self.eigenvalues) > self.noise
        return -(self.vectors[:, keep] @ (coordinates[keep] / self.eigenvalues[keep]))


@dataclass(frozen=True)
class Search:
    """Where a search ended, and ‖θ‖ and ‖∇R‖ at each point on its way."""

    end: Point
    lengths: list[float]
    gradients: list[float]


def levenberg_marquardt(evaluator: Evaluator, start: NDArray, *, steps: int) -> Search:
    """Minimise ‖∇R‖² with the Hessian as Jacobian; μ = c ‖∇R‖² keeps the end quadratic at flat critical sets.

    θ ← θ − (H² + μ)⁻¹ H ∇R, in the eigenbasis of H; c falls after steps that do as the linear model says
    and grows after others. Stops where the gradient is at its floor, the step is below rounding, or after
    `steps`. Source: Fan and Yuan, Computing 74 (2005).
    """
    here, c = Point(evaluator, start), 1.0
    lengths, gradients = [], []
    for _ in range(steps):
        lengths.append(math.sqrt(here.theta @ here.theta))
        gradients.append(math.sqrt(here.gradient @ here.gradient))
        if not here.usable or here.norm1 <= here.floor:
            break
        coordinates = here.vectors.T @ here.gradient
        square = float(here.gradient @ here.gradient)
        curved = here.eigenvalues
        damped = curved * curved + c * square
        move = -curved * coordinates / np.where(damped > 0, damped, 1.0)
        step = here.vectors @ move
        there = Point(evaluator, here.theta + step)
        promised = square - float(((coordinates + curved * move) ** 2).sum())
        gained = square - float(there.gradient @ there.gradient) if there.usable else -np.inf
        tiny = np.abs(step).max() <= 4 * EPS * np.abs(here.theta).max()
        if gained > 1e-4 * promised > 0:
            here = there
        if tiny:
            break
        if gained > 0.75 * promised > 0:
            c = max(c / 4, 1e-10)
        elif not gained > 0.25 * promised:
            c *= 4
    return Search(here, lengths, gradients)


def minpack(evaluator: Evaluator, start: NDArray, *, steps: int) -> Search:
    """The same by scipy.optimize.root(method="lm"), MINPACK's trust region with scaled variables."""
    lengths, gradients = [], []

    def gradient(theta: NDArray) -> NDArray:
        g = evaluator.evaluate(theta, hessian=False)[1]
        lengths.append(math.sqrt(theta @ theta))
        gradients.append(math.sqrt(g @ g))
        return g

    found = root(
        gradient,
        start,
        jac=lambda theta: evaluator.evaluate(theta)[2],
        method="lm",
        tol=1e-15,
        options={"maxiter": steps},
    )
    return Search(Point(evaluator, found.x), lengths, gradients)


def follow_valley(evaluator: Evaluator, point: Point, *, rounds: int = 40) -> Search:
    """Go along the softest direction, where the step is large, and solve ∇R = 0 in all others.

    A search that creeps along a curved valley of ‖∇R‖ moves on: towards a critical point, or outward
    without end. Stops where ‖∇R‖ no longer falls by a tenth, or a parameter is above 1e6.
    """
    here, lengths, gradients = point, [], []
    for _ in range(rounds):
        lengths.append(math.sqrt(here.theta @ here.theta))
        gradients.append(math.sqrt(here.gradient @ here.gradient))
        if here.norm1 <= here.floor or np.abs(here.theta).max() > 1e6:
            break
        steps = -(here.vectors.T @ here.gradient) / np.where(here.eigenvalues == 0, np.inf, here.eigenvalues)
        soft = int(np.abs(steps).argmax())
        along = here.vectors[:, soft]
        reach = float(np.clip(steps[soft], -0.5 * lengths[-1], 0.5 * lengths[-1]))
        for part in (1.0, 0.3, 0.1):
            there = _solve_across(evaluator, here.theta + part * reach * along, along)
            if there.usable and math.sqrt(there.gradient @ there.gradient) < 0.9 * gradients[-1]:
                break
        else:
            break
        here = there
    return Search(here, lengths, gradients)


def _solve_across(evaluator: Evaluator, theta: NDArray, along: NDArray) -> Point:
    """Newton steps in all eigendirections but the one closest to `along`."""
    here = Point(evaluator, theta)
    for _ in range(5):
        if not here.usable:
            break
        steps = -(here.vectors.T @ here.gradient) / np.where(here.eigenvalues == 0, np.inf, here.eigenvalues)
        steps[np.abs(here.vectors.T @ along).argmax()] = 0.0
        if np.abs(steps).max() <= 1e-12 * np.abs(here.theta).max():
            break
        there = Point(evaluator, here.theta + here.vectors @ steps)
        if not there.usable or there.norm1 >= here.norm1:
            break
        here = there
    return here


def polish(evaluator: Evaluator, point: Point, *, extended: bool) -> tuple[Point, NDArray]:
    """Newton steps with the gradient in extended precision; the result is rounded to float64 once.

    Returns the point and the Newton step that would lead on from it, as far as the precision can tell.
    The given point comes back where Newton's method leaves its neighbourhood (more than 1e-3 ‖θ‖ away)
    or gains nothing.
    """
    kind = np.longdouble if extended else np.float64

    def step_from(theta: NDArray) -> NDArray:
        return point.newton(evaluator.evaluate(theta.astype(kind), hessian=False)[1])

    length = math.sqrt(point.theta @ point.theta) or 1.0
    theta, step = point.theta.astype(kind), step_from(point.theta)
    for _ in range(4):
        size = math.sqrt(step @ step)
        if float(np.abs(theta + step - point.theta).max()) > 1e-3 * length:
            return point, step_from(point.theta).astype(np.float64)
        theta = theta + step
        if size <= float(np.finfo(kind).eps) * length:
            break
        step = step_from(theta)
        if not math.sqrt(step @ step) < 0.5 * size:
            break
    rounded = Point(evaluator, theta.astype(np.float64))
    if rounded.usable and rounded.norm1 <= max(point.norm1, 10 * rounded.floor):
        point = rounded
    return point, step_from(point.theta).astype(np.float64)
