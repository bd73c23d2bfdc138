"""The finder: from any parameters to a critical point, or to the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from epbook.critical.classify import judge
from epbook.critical.inertia import Inertia
from epbook.critical.problem import Problem
from epbook.critical.search import follow_valley, levenberg_marquardt, minpack, polish
from epbook.given import read, refuse_kinks
from epbook.losses import Loss, mse_loss

_SEARCHES = {"eigen": levenberg_marquardt, "minpack": minpack}


@dataclass(frozen=True)
class CriticalPoint:
    """What `find_critical` found.

    model: the network at the end, new and in float64. loss: R. gradient_l1: ‖∇R‖₁ by PyTorch's own
    backward pass. inertia: of the Hessian there, None unless the status is finite. status: "finite"
    (a critical point), "diverging" (a channel to infinity), "saturated" (some σ is constant on all of
    the data) or "not converged". reason: how we know. floor: what one unit in the last place of one
    parameter does to ‖∇R‖₁ at most. steps: evaluations of the Hessian in the search.
    """

    model: nn.Sequential
    loss: float
    gradient_l1: float
    inertia: Inertia | None
    status: str
    reason: str
    floor: float
    steps: int

    def __repr__(self) -> str:
        return (
            f"CriticalPoint(status={self.status!r}, loss={self.loss:.10g}, "
            f"gradient_l1={self.gradient_l1:.1e}, inertia={self.inertia})"
        )


def find_critical(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    tolerance: float = 1e-13,
    steps: int = 400,
    search: str = "eigen",
) -> CriticalPoint:
    """Solve ∇R(θ) = 0 from the network's parameters: minima and saddles, to the last digit of float64.

    θ ← θ − (H² + μ)⁻¹ H ∇R (Levenberg-Marquardt with the Hessian as Jacobian), then Newton steps with a
    pseudo-inverse and the gradient in extended precision where the closed form allows it.

    net, x, y, loss: as in `hessian`. tolerance: a point with ‖∇R‖₁ above it is never called finite, in
    loss per parameter; steps: most steps of the search; search: "eigen" (ours) or "minpack" (scipy).
    Returns a `CriticalPoint`; a point at infinity is never called one: see its status and reason.
    Raises TypeError and ValueError as `hessian` does, for kinks only at the start; ValueError where an
    option is out of range.
    Source: chapter section 1.2; channels to infinity: arXiv 2506.14951.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> find_critical(ep.two_layer(1, 1, activation=nn.Tanh, std=1.0, seed=13), x, y).status
    'finite'
    """
    if not 0 < tolerance < np.inf:
        raise ValueError(f"tolerance must be positive and finite, got {tolerance!r}")
    if steps != int(steps) or steps < 1:
        raise ValueError(f"steps must be a whole number of at least 1, got {steps!r}")
    if search not in _SEARCHES:
        raise ValueError(f"search must be one of {sorted(_SEARCHES)}, got {search!r}")
    problem = Problem(read(net, x, y, loss=loss))
    refuse_kinks(problem.found, problem.x)
    way = _SEARCHES[search](problem.evaluator, problem.start, steps=int(steps))
    point, step = way.end, None
    taken = len(way.lengths)
    if point.usable:
        if point.norm1 > 10 * point.floor:
            way = follow_valley(problem.evaluator, point)
            back = levenberg_marquardt(problem.evaluator, way.end.theta, steps=50)
            point = min(way.end, back.end, key=lambda end: end.norm1 if end.usable else np.inf)
            taken += len(way.lengths) + len(back.lengths)
        point, step = polish(problem.evaluator, point, extended=problem.extended)
    found = problem.network(point.theta)
    value, gradient = problem.autograd(found)
    verdict = judge(problem, point, way, np.abs(gradient).sum(), step=step, tolerance=tolerance)
    return CriticalPoint(
        model=found,
        loss=value,
        gradient_l1=float(np.abs(gradient).sum()),
        inertia=verdict.inertia,
        status=verdict.status,
        reason=verdict.reason,
        floor=point.floor if point.usable else float("nan"),
        steps=taken,
    )
