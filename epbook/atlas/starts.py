"""Searches at infinity: from sharp random neurons, and down from gentle ones, which several inputs need."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from torch import Tensor, nn

from epbook.atlas.infinity import beyond_linear
from epbook.critical import CriticalPoint, CriticalPoints, find_critical
from epbook.critical.collect import descent_end, distinct, random_start
from epbook.critical.problem import Problem
from epbook.given import read
from epbook.networks import augmented, sequential

GENTLE = 0.7  # of the weights of gentle neurons, in units of 1/x: they bend little within the data


def search_at_infinity(
    width: int, x: Tensor, y: Tensor, *, starts: int, seed: int
) -> tuple[CriticalPoints, list[nn.Sequential]]:
    """Critical points of `width` tanh neurons and a linear one, s eliminated; as `find_critical_points`.

    Every other start is sharp and goes straight to the finder; the others are gentle (w̃ ~ N(0, 0.7²) in
    units of x, a by least squares) and go down the loss first. With several inputs sharp neurons sit on
    single samples, and gentle ones alone find what wide networks meet.

    x: (n, d), y: (n, o). Returns `CriticalPoints` and, apart, networks at which the gradient is rounding but
    which the finder does not vouch for: not isolated, or on the way to yet another infinity. Raises what
    `find_critical` raises.
    Source: variable projection (Golub and Pereyra, 1973); this book, page on the atlas.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> len(search_at_infinity(1, x, y, starts=8, seed=0)[0]) > 0
    True
    """
    loss, found, loose = beyond_linear(x), [], []
    statuses: Counter[str] = Counter()
    for number in range(starts):
        if number % 2:
            net = random_start(width, x, y, activation=nn.Tanh, seed=seed, number=number)
        else:
            net = _down(_gentle(width, x, y, seed, number), x, y)
        point: CriticalPoint = find_critical(net, x, y, loss=loss)
        statuses[point.status] += 1
        if point.status == "finite":
            found.append(point)
        elif point.status == "not converged" and point.gradient_l1 <= 10 * point.floor:
            loose.append(point.model)
    return CriticalPoints(*distinct(found, x, y, loss=loss, odd=True), dict(statuses)), loose


def _gentle(width: int, x: Tensor, y: Tensor, seed: int, number: int) -> nn.Sequential:
    rng = np.random.default_rng([seed, width, number])
    spread = x.std(dim=0, correction=0).numpy()
    W = GENTLE * rng.normal(size=(width, x.shape[1])) / np.where(spread > 0, spread, 1.0)
    b = GENTLE * rng.normal(size=width)
    hidden = torch.tanh(x @ torch.tensor(W.T) + torch.tensor(b))
    seen = torch.cat([hidden, augmented(x)], dim=1)
    A = torch.linalg.lstsq(seen, y).solution[:width].T
    return sequential([(torch.tensor(W), torch.tensor(b), nn.Tanh()), (A, None, None)])


def _down(net: nn.Sequential, x: Tensor, y: Tensor) -> nn.Sequential:
    """L-BFGS down the loss beyond the linear part."""
    problem = Problem(read(net, x, y, loss=beyond_linear(x)))
    return problem.network(descent_end(problem, maxiter=1000, ftol=1e-14, gtol=1e-9))
