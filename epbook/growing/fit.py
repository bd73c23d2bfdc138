"""Training between two stages of growth, with its cost counted the same way for all competitors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor, nn

from epbook.checks import choice, positive, whole
from epbook.critical.problem import Problem
from epbook.given import differentiable, layers, read
from epbook.losses import Loss, mse_loss
from epbook.results import Result

OPTIMISERS = ("L-BFGS", "Adam")


@dataclass(frozen=True, eq=False)
class Fit(Result):
    """A trained network and what it took. net: new, float64. loss: R at its end, NaN where it diverged
    (then net holds the last finite parameters).

    evaluations: of loss and gradient. cost: evaluations × hidden neurons, the unit in which this room
    compares. Source: this book, page on growing.
    """

    net: nn.Sequential
    loss: float
    evaluations: int
    cost: int


def neurons_in(net: nn.Sequential) -> int:
    """The number of hidden neurons, Σ_l m_l: what one evaluation of loss and gradient costs.

    Source: this book, page on growing.

    >>> neurons_in(nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)))
    4
    """
    return sum(layer.width for layer in layers(net)[:-1])


def fit(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    optimiser: str = "L-BFGS",
    steps: int = 1500,
    lr: float = 2e-3,
    enough: float = 0.0,
) -> Fit:
    """Train on all data at once, and count what it costs: evaluations × hidden neurons.

    L-BFGS: θ ← θ − s B∇R, until ‖∇R‖_∞ < 1e-10 in units of the data; Adam: exactly `steps` steps of `lr`.

    net, x (n, inputs), y, loss: as in `ep.hessian`. steps: most iterations. lr: of Adam, in the weights'
    own units. enough: L-BFGS stops below this loss. Returns a `Fit`. Raises TypeError and ValueError as
    `ep.hessian` does, and ValueError for an option out of range.
    Source: Liu and Nocedal 1989; Kingma and Ba 2015.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> found = fit(ep.two_layer(1, 1, activation=nn.Tanh, std=1.0), x, y)
    >>> 0.10 < found.loss < 0.11, found.cost == found.evaluations
    (True, True)
    """
    choice(optimiser, "optimiser", OPTIMISERS)
    steps, lr = whole(steps, "steps", 0), positive(lr, "lr")
    with differentiable():
        problem = Problem(read(net, x, y, loss=loss), scaled=optimiser == "L-BFGS")
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is never the best
            if optimiser == "L-BFGS":
                theta, best, count = _lbfgs(problem, steps, enough)
            else:
                theta, best, count = _adam(problem, steps, lr)
        made = problem.network(theta)
        return Fit(made, float(best * problem.loss_unit), count, count * neurons_in(made))


class _Enough(Exception):
    """Thrown once the loss is low enough."""


def _lbfgs(problem: Problem, steps: int, enough: float) -> tuple[NDArray, float, int]:
    best: tuple[float, NDArray] = (math.nan, problem.start)
    count = 0

    def risk(theta: NDArray) -> tuple[float, NDArray]:
        nonlocal best, count
        value, slope, _ = problem.evaluator.evaluate(theta, hessian=False)
        count += 1
        if math.isfinite(value) and not value >= best[0]:  # the first number is better than none
            best = (value, theta.copy())
            if value * problem.loss_unit < enough:
                raise _Enough
        return value, slope

    options = {"maxiter": steps, "maxfun": 10 * steps, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 20}
    try:
        if steps:
            minimize(risk, problem.start, jac=True, method="L-BFGS-B", options=options)
        else:
            risk(problem.start)
    except _Enough:
        pass
    return best[1], best[0], count


def _adam(problem: Problem, steps: int, lr: float) -> tuple[NDArray, float, int]:
    theta = torch.from_numpy(problem.start.copy()).requires_grad_(True)
    optimiser = torch.optim.Adam([theta], lr=lr)
    end = problem.start
    for step in range(steps):
        value, slope, _ = problem.evaluator.evaluate(theta.detach().numpy(), hessian=False)
        if not (math.isfinite(value) and np.isfinite(slope).all()):
            return end, math.nan, step + 1
        end = theta.detach().numpy().copy()
        theta.grad = torch.from_numpy(slope)
        optimiser.step()
    value, _, _ = problem.evaluator.evaluate(theta.detach().numpy(), hessian=False)
    if not math.isfinite(value):
        return end, math.nan, steps + 1
    return theta.detach().numpy(), value, steps + 1
