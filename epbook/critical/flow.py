"""Gradient flow of a network, the limit of training with small steps, by a stiff solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from torch import Tensor, nn

from epbook.checks import positive, whole
from epbook.critical.problem import Problem
from epbook.given import layers, read, refuse_kinks, unflat
from epbook.losses import Loss, mse_loss
from epbook.networks import sequential
from epbook.results import Result

# A flow with a parameter beyond this goes to infinity, often in finite time, which no solver passes.
AWAY = 1e6


@dataclass(frozen=True, eq=False)
class Flow(Result):
    """A trajectory of gradient flow.

    times (k,), parameters (k, P), losses (k,), gradients (k,): t, θ(t), R and ‖∇R‖₂. start: the network at
    t = 0, in float64. status: "finished", or "stopped" where it runs away or the solver gives up; the
    states up to there are kept. reason: what the solver says.
    Source: textbook section 1.2.

    >>> import epbook as ep
    >>> net = ep.two_layer(1, 1, activation=nn.Tanh, std=0.1)
    >>> ep.gradient_flow(net, *ep.data.tanh_teacher(), time=1.0, points=5).status
    'finished'
    """

    times: NDArray
    parameters: Tensor
    losses: NDArray
    gradients: NDArray
    start: nn.Sequential
    status: str
    reason: str

    def model(self, index: int) -> nn.Sequential:
        """The network at one of the times."""
        return sequential(unflat(layers(self.start), self.parameters[index]))


def gradient_flow(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    time: float,
    points: int = 400,
    loss: Loss = mse_loss,
    rtol: float = 1e-9,
    atol: float = 1e-13,
) -> Flow:
    """Follow dθ/dt = −∇R(θ) from the network's parameters; t is steps × learning rate of gradient descent.

    Solved by LSODA with the exact Jacobian −∇²R, so a plateau costs few steps however long it is.

    time: the end, in units of 1/curvature; points: how many states to keep, evenly spaced in t.
    net, x, y, loss: as in `hessian`; rtol, atol: of the solver, per parameter.
    Returns a `Flow`; where the solver gives up, its status says so. Raises as `hessian`, for kinks only at
    the start; ValueError for a time that is not positive or points < 2. Source: textbook section 1.2.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> flow = gradient_flow(ep.two_layer(1, 1, activation=nn.Tanh, std=0.1), x, y, time=300.0)
    >>> round(float(flow.losses[-1]), 6)
    0.109023
    """
    time, points = positive(time, "time"), whole(points, "points", 2)
    # In the units of the reader: what flows where depends on them.
    problem = Problem(read(net, x, y, loss=loss), scaled=False)
    refuse_kinks(problem.found, problem.x)
    evaluate = problem.evaluator.evaluate
    with np.errstate(over="ignore", invalid="ignore"):
        solved = solve_ivp(
            lambda _, theta: -evaluate(theta, hessian=False)[1],
            (0.0, time),
            problem.start,
            method="LSODA",
            jac=lambda _, theta: -evaluate(theta)[2],
            t_eval=np.linspace(0, time, points),
            events=_runs_away,
            rtol=positive(rtol, "rtol"),
            atol=positive(atol, "atol"),
        )
        states = [evaluate(theta, hessian=False) for theta in solved.y.T]
    finished = solved.status == 0
    if solved.status == 1:
        reason = f"a parameter is beyond {AWAY:g} at t = {solved.t_events[0][0]:.3g}: the flow runs away"
    else:
        reason = solved.message if finished else f"the solver gave up: {solved.message}"
    return Flow(
        times=solved.t,
        parameters=torch.tensor(solved.y.T),
        losses=np.array([float(value) for value, _, _ in states]),
        gradients=np.array([float(np.linalg.norm(gradient)) for _, gradient, _ in states]),
        start=problem.network(problem.start),
        status="finished" if finished else "stopped",
        reason=reason,
    )


def _runs_away(_: float, theta: NDArray) -> float:
    return AWAY - float(np.abs(theta).max())


_runs_away.terminal = True  # type: ignore[attr-defined]
