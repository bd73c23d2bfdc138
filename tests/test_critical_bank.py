"""A bank of starts on the way to infinity: none of them may be called a finite critical point."""

import numpy as np
import pytest
import torch
from scipy.linalg import null_space
from scipy.optimize import minimize
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import epbook as ep

SIGMA = {
    "tanh": (np.tanh, lambda z: 1 / np.cosh(np.clip(z, -300, 300)) ** 2),
    "sigmoid": (
        lambda z: 0.5 * (1 + np.tanh(z / 2)),
        lambda z: 0.25 / np.cosh(np.clip(z / 2, -300, 300)) ** 2,
    ),
}
MODULES = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
DATA = {
    "tanh teacher": ep.data.tanh_teacher(),
    "relu teacher": ep.data.relu_teacher(),
}


def net_of(W, b, a, name):
    pieces = [np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in (W, b, a)]
    W, b, a = (torch.tensor(piece) for piece in pieces)
    return ep.sequential([(W[:, None], b, MODULES[name]()), (a[None, :], None, None)])


def channel_limits(name, x, y, count, seed):
    """Minima of a σ(z) + σ'(z)(v·x̃), one neuron and its derivative: where two merging neurons tend to."""
    value, slope = SIGMA[name]
    x, y = x.numpy().ravel(), y.numpy().ravel()
    rng = np.random.default_rng(seed)

    def risk(p):
        z = p[1] * x + p[2]
        return np.mean((p[0] * value(z) + slope(z) * (p[3] * x + p[4]) - y) ** 2)

    found = []
    while len(found) < count:
        start = np.append(rng.normal(size=1), rng.normal(size=4))
        start[1] /= x.std()
        end = minimize(risk, start, method="BFGS", options={"gtol": 1e-10})
        z = end.x[1] * x + end.x[2]
        # Away from a plain net (v = 0) and from saturation; else the start is no channel.
        if np.abs(end.x[3:]).max() > 1e-2 and (slope(z) > 1e-3).sum() > 3 and np.abs(end.x).max() < 50:
            found.append(end.x)
    return found


def channel_start(limit, t, name):
    """a σ(z) + σ'(z)(v·x̃) as two neurons with output weights a/2 ± t and input weights w ± v/2t."""
    a, w, b, v, c = limit
    return net_of(
        [w + v / (2 * t), w - v / (2 * t)], [b + c / (2 * t), b - c / (2 * t)], [a / 2 + t, a / 2 - t], name
    )


def channels():
    for name in SIGMA:
        for seed, (x, y) in enumerate(DATA.values()):
            for limit in channel_limits(name, x, y, 3, seed):
                for t in (1e2, 1e3, 1e4, 1e5, 1e6):
                    yield channel_start(limit, t, name), x, y


def saturated():
    """Neurons steep between two samples, or constant on all of them, with the best output weights."""
    for name in SIGMA:
        value = SIGMA[name][0]
        for seed, (x, y) in enumerate(DATA.values()):
            rng = np.random.default_rng(100 + seed)
            grid = x.numpy().ravel()
            step = grid[1] - grid[0]
            for width in (1, 2, 3):
                for gain in (60.0, 200.0, 1000.0):
                    for constant in (False, True):
                        between = rng.choice(len(grid) - 1, size=width, replace=False)
                        W = rng.choice([-1.0, 1.0], size=width) * gain / step
                        b = -W * (grid[between] + step / 2)
                        if constant:
                            W[0], b[0] = rng.normal() / np.abs(grid).max(), gain
                        h = value(grid[:, None] * W + b)
                        a = np.linalg.lstsq(h, y.numpy().ravel(), rcond=None)[0]
                        yield net_of(W, b, a, name), x, y


BANK = [*channels(), *saturated()]


def test_bank_is_large_enough():
    assert len(BANK) >= 100


@pytest.mark.parametrize("number", range(len(BANK)))
def test_start_at_infinity_is_not_called_finite(number):
    net, x, y = BANK[number]
    point = ep.find_critical(net, x, y)
    assert point.status in {"diverging", "saturated", "not converged"}, point
    assert point.signs is None
    assert point.reason


def gradient(net, x, y):
    slopes = torch.autograd.grad(nn.functional.mse_loss(net(x), y), list(net.parameters()))
    return torch.cat([slope.flatten() for slope in slopes])


def settle(net, x, y):
    """Newton's method in all directions but the exchange of output weight between the two neurons."""
    others = torch.from_numpy(null_space([[0.0, 0.0, 0.0, 0.0, 1.0, -1.0]]))
    for _ in range(6):
        H, g = ep.hessian(net, x, y), gradient(net, x, y)
        step = others @ torch.linalg.solve(others.T @ H @ others, others.T @ g)
        vector_to_parameters(parameters_to_vector(net.parameters()).detach() - step, net.parameters())
    return net


def test_gradient_vanishes_along_a_channel_without_a_critical_point():
    """Like t⁻³ between points that have settled: 27 times smaller at three times the output weights."""
    x, y = DATA["tanh teacher"]
    (limit,) = channel_limits("tanh", x, y, 1, 0)
    nets = [settle(channel_start(limit, t, "tanh"), x, y) for t in (10, 30, 90)]
    norms = [gradient(net, x, y).abs().sum().item() for net in nets]
    assert norms[2] < norms[1] / 20 < norms[0] / 400
    assert all(ep.find_critical(net, x, y).status != "finite" for net in nets)
