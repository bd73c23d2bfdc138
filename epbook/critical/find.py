"""The finder: from any parameters to a critical point, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from epbook.checks import choice, positive, whole
from epbook.critical.classify import judge
from epbook.critical.problem import Problem
from epbook.critical.search import Point, Search, follow_valley, levenberg_marquardt, minpack
from epbook.critical.signs import Inertia
from epbook.given import read, refuse_kinks
from epbook.losses import Loss, mse_loss
from epbook.results import DivergedError, Result

Way = Callable[[Problem, int], Search]
SEARCHES: dict[str, Way] = {
    "eigen": lambda problem, steps: levenberg_marquardt(problem.evaluator, problem.start, steps=steps),
    "minpack": minpack,
}


@dataclass(frozen=True, eq=False)
class CriticalPoint(Result):
    """What `find_critical` found.

    model: the network at the end, new and in float64. loss: R. gradient_l1: ‖∇R‖₁ by PyTorch's own
    backward pass. status: "finite" (a critical point), "diverging" (a channel to infinity), "saturated"
    (some σ is constant on all of the data) or "not converged". reason: how we know. floor: what one unit in
    the last place of one parameter does to ‖∇R‖₁ at most. steps: evaluations of the Hessian in the search.
    signs: the inertia, None unless the status is finite. Source: textbook section 1.2.
    """

    model: nn.Sequential
    loss: float
    gradient_l1: float
    status: str
    reason: str
    floor: float
    steps: int
    signs: Inertia | None

    @property
    def inertia(self) -> Inertia:
        """Of the Hessian there. Raises DivergedError unless the status is finite."""
        if self.signs is None:
            raise DivergedError(f"no critical point, so no inertia: {self.status}, since {self.reason}")
        return self.signs

    def __repr__(self) -> str:
        return (
            f"CriticalPoint(status={self.status!r}, loss={self.loss:.10g}, "
            f"gradient_l1={self.gradient_l1:.1e}, inertia={self.signs})"
        )


def find_critical(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    tolerance: float | None = None,
    steps: int = 400,
    search: str = "eigen",
) -> CriticalPoint:
    """Solve ∇R(θ) = 0 from the network's parameters: minima and saddles, to the last digit of float64.

    θ ← θ − (H² + μ)⁻¹ H ∇R (Levenberg-Marquardt with the Hessian as Jacobian), μ going to 0 with
    ‖∇R‖², so that the last steps are Newton's.

    net, x (n, inputs), y (n, outputs), loss: as in `hessian`. All is done in units of the data, so the
    verdict does not depend on those of x and y. tolerance: a point with ‖∇R‖₁ above it is never called
    finite, in loss per parameter; default ten times the floor of rounding there. steps: most steps of the
    search; search: "eigen" (ours) or "minpack" (scipy).
    Returns a `CriticalPoint`; a point at infinity is never called one: see its status and reason.
    Raises TypeError and ValueError as `hessian` does, for kinks only at the start; ValueError where an
    option is out of range.
    Source: textbook section 1.2; channels to infinity: arXiv 2506.14951.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> find_critical(ep.two_layer(1, 1, activation=nn.Tanh, std=1.0, seed=13), x, y).status
    'finite'
    """
    if tolerance is not None:
        tolerance = positive(tolerance, "tolerance")
    steps = whole(steps, "steps", 1)
    way_of = SEARCHES[choice(search, "search", SEARCHES)]
    problem = Problem(read(net, x, y, loss=loss))
    refuse_kinks(problem.found, problem.x)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not usable, and judged so
        way, point, taken = _solve(problem, way_of, steps)
        model = problem.network(point.theta)
        value, gradient = problem.autograd(model)
        size = float(np.abs(gradient).sum())
        floor = problem.outward_floor(point.hessian, point.ulp) if point.usable else float("nan")
        verdict = judge(problem, point, way, size, limit=min(tolerance or np.inf, 10 * floor))
    return CriticalPoint(
        model=model,
        loss=value,
        gradient_l1=size,
        status=verdict.status,
        reason=verdict.reason,
        floor=floor,
        steps=taken,
        signs=verdict.inertia,
    )


def _solve(problem: Problem, way_of: Way, steps: int) -> tuple[Search, Point, int]:
    """The last leg of the search, the best point, and the evaluations; along a valley where it creeps."""
    way = way_of(problem, steps)
    point, taken = way.end, len(way.lengths)
    if point.usable and point.norm1 > 10 * point.floor:
        way = follow_valley(problem.evaluator, point)
        back = levenberg_marquardt(problem.evaluator, way.end.theta, steps=50)
        point = min(way.end, back.end, key=lambda end: end.norm1 if end.usable else np.inf)
        taken += len(way.lengths) + len(back.lengths)
    return way, point, taken
