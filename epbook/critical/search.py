"""Two ways down to ∇R = 0 that stop at saddles as readily as at minima, and one along a valley of ‖∇R‖."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root

from epbook.critical.inertia import EPS
from epbook.critical.problem import Evaluator, Problem

# A parameter below this, in units of the data, is zero to rounding.
ZERO = 1e-8


class Point:
    """θ with R, ∇R and the eigendecomposition of ∇²R, which is NaN where one of them is not finite."""

    eigenvalues: NDArray
    vectors: NDArray

    def __init__(self, evaluator: Evaluator, theta: NDArray) -> None:
        self.theta = theta
        self.loss, self.gradient, self.hessian = evaluator.evaluate(theta)
        self.usable = bool(np.isfinite(self.gradient).all() and np.isfinite(self.hessian).all())
        self.eigenvalues, self.vectors = np.full(len(theta), np.nan), np.full_like(self.hessian, np.nan)
        if self.usable:
            self.eigenvalues, self.vectors = np.linalg.eigh(self.hessian)

    @property
    def norm1(self) -> float:
        """‖∇R‖₁."""
        return float(np.abs(self.gradient).sum())

    @property
    def noise(self) -> float:
        """What rounding may do to an eigenvalue: P · ε · max(|λ|, 1), since σ itself is only known to ε."""
        return len(self.theta) * EPS * float(np.abs(self.eigenvalues).max(initial=1.0))

    @property
    def ulp(self) -> NDArray:
        """One unit in the last place of each parameter; of the number 1 where one is zero to rounding."""
        size = np.abs(self.theta)
        return np.spacing(np.where(size < ZERO, 1.0, size))

    @property
    def rounding(self) -> NDArray:
        """What one unit in the last place of all parameters, and ε of σ, does to ∇R at most."""
        return np.asarray(np.abs(self.hessian) @ self.ulp + EPS)

    @property
    def floor(self) -> float:
        """‖∇R‖₁ after the worst change of one parameter by one unit in its last place, from ∇R = 0."""
        return float((self.ulp * np.abs(self.hessian).sum(axis=0)).max(initial=0.0))


@dataclass(frozen=True)
class Search:
    """Where a search ended, and ‖θ‖ and ‖∇R‖ at each point on its way."""

    end: Point
    lengths: list[float]
    gradients: list[float]

    @property
    def leads_out(self) -> bool:
        """Whether ‖θ‖ has grown by half while ‖∇R‖ fell to less than half."""
        grown = self.lengths[-1] > 1.5 * self.lengths[0]
        return grown and self.gradients[-1] < 0.5 * self.gradients[0]


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


def minpack(problem: Problem, steps: int) -> Search:
    """The same by scipy.optimize.root(method="lm"), MINPACK's trust region with variables scaled its own way.

    It starts from the reader's units, as any user of MINPACK would.
    """
    units, lengths, gradients = problem.units, [], []

    def gradient(theta: NDArray) -> NDArray:
        g: NDArray = problem.evaluator.evaluate(theta / units, hessian=False)[1] * problem.loss_unit / units
        lengths.append(math.sqrt(theta @ theta))
        gradients.append(math.sqrt(g @ g))
        return g

    def jacobian(theta: NDArray) -> NDArray:
        H = problem.evaluator.evaluate(theta / units)[2]
        return np.asarray(H * problem.loss_unit / np.outer(units, units))

    options = {"maxiter": steps}
    found = root(gradient, problem.start * units, jac=jacobian, method="lm", tol=1e-15, options=options)
    return Search(Point(problem.evaluator, found.x / units), lengths, gradients)


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
