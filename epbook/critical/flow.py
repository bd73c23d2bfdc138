"""Gradient flow of a network, the limit of training with small steps, by a stiff solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from torch import Tensor, nn

from epbook.critical.problem import Problem
from epbook.given import read, refuse_kinks
from epbook.losses import Loss, mse_loss


@dataclass(frozen=True)
class Flow:
    """A trajectory: times (k,), parameters (k, P), losses (k,), ‖∇R‖₂ (k,), and the problem it solves."""

    times: NDArray
    parameters: NDArray
    losses: NDArray
    gradients: NDArray
    problem: Problem

    def model(self, index: int) -> nn.Sequential:
        """The network at one of the times."""
        return self.problem.network(self.parameters[index])


def gradient_flow(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    time: float,
    points: int = 400,
    first: float | None = None,
    loss: Loss = mse_loss,
    rtol: float = 1e-9,
    atol: float = 1e-13,
) -> Flow:
    """Follow dθ/dt = −∇R(θ) from the network's parameters; t is steps × learning rate of gradient descent.

    Solved by LSODA with the exact Jacobian −∇²R, so a plateau costs few steps however long it is.

    time: the end, in units of 1/curvature; points: how many states to keep, evenly spaced in t, or in
    log t from `first` on (t = 0 is kept too). net, x, y, loss: as in `hessian`; rtol, atol: of the solver.
    Returns a `Flow`. Raises as `hessian`, for kinks only at the start; ValueError for times that are not
    positive or points < 2; RuntimeError where the solver gives up. Source: chapter section 1.2.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> flow = gradient_flow(ep.two_layer(1, 1, activation=nn.Tanh, std=0.1), x, y, time=300.0)
    >>> round(float(flow.losses[-1]), 6)
    0.109023
    """
    if not 0 < time < np.inf or (first is not None and not 0 < first < time):
        raise ValueError(f"time and first must be positive, with first < time: got {time!r}, {first!r}")
    if points != int(points) or points < 2:
        raise ValueError(f"points must be a whole number of at least 2, got {points!r}")
    problem = Problem(read(net, x, y, loss=loss), scaled=False)
    refuse_kinks(problem.found, problem.x)
    evaluate = problem.evaluator.evaluate
    grid = np.linspace(0, time, int(points))
    if first is not None:
        grid = np.append(0.0, np.geomspace(first, time, int(points) - 1))
    grid[-1] = time
    solved = solve_ivp(
        lambda _, theta: -evaluate(theta, hessian=False)[1],
        (0.0, time),
        problem.start,
        method="LSODA",
        jac=lambda _, theta: -evaluate(theta)[2],
        t_eval=grid,
        rtol=rtol,
        atol=atol,
    )
    if not solved.success:
        raise RuntimeError(f"the flow stopped at t = {solved.t[-1]:.3g}: {solved.message}")
    states = [evaluate(theta, hessian=False) for theta in solved.y.T]
    return Flow(
        times=solved.t,
        parameters=solved.y.T,
        losses=np.array([float(value) for value, _, _ in states]),
        gradients=np.array([float(np.linalg.norm(gradient)) for _, gradient, _ in states]),
        problem=problem,
    )
