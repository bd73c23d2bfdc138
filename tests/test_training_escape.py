"""Times of escape: the same steps as autograd's own, or a refusal."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.training import DivergedError, DivergenceWarning, escape_time

X, Y = ep.data.tanh_teacher()
SETTINGS = {"below": 4.0, "lr": 0.01, "steps": 2000}


def saddle(**options):
    return ep.two_layer(1, 2, activation=nn.Tanh, std=0.0, **options)


def by_autograd(net, x, y, below, lr, steps, kick, seed):
    """Plain gradient descent from the same kick."""
    (weight, bias, activation), (out, _, _) = ep.layers(net)
    draw = np.random.default_rng(seed).normal(size=weight.numel() + bias.numel() + out.numel())
    draw *= kick / np.linalg.norm(draw)
    moved = draw[: weight.numel() + bias.numel()].reshape(len(bias), -1)
    new = [weight + torch.tensor(moved[:, :-1]), bias + torch.tensor(moved[:, -1])]
    new.append(out + torch.tensor(draw[weight.numel() + bias.numel() :]).view(out.shape))
    theta = [part.clone().requires_grad_() for part in new]
    for step in range(steps + 1):
        value = nn.functional.mse_loss(activation(x @ theta[0].T + theta[1]) @ theta[2].T, y)
        if value < below:
            return step
        with torch.no_grad():
            for part, slope in zip(theta, torch.autograd.grad(value, theta), strict=True):
                part -= lr * slope
    return None


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", [nn.Tanh, nn.Softplus, nn.ReLU])
def test_the_steps_are_those_of_plain_gradient_descent(kind, seed):
    net = ep.two_layer(1, 2, activation=kind, std=0.1, seed=3)
    expected = by_autograd(net, X, Y, 4.0, 0.01, 2000, 1e-2, seed)
    found = escape_time(net, X, Y, **SETTINGS, kick=1e-2, seed=seed)
    assert found.status == "escaped"
    assert abs(found.steps - expected) <= 1  # a step at the level itself may fall to either side


def test_a_run_that_stays_says_so():
    found = escape_time(saddle(), X, Y, **{**SETTINGS, "steps": 3})
    assert (found.status, found.at) == ("stayed", None)
    assert "within 3 steps" in found.reason
    with pytest.raises(DivergedError, match="within 3 steps"):
        _ = found.steps


def test_the_last_step_counts():
    steps = escape_time(saddle(), X, Y, **SETTINGS).steps
    assert escape_time(saddle(), X, Y, **{**SETTINGS, "steps": steps}).steps == steps
    assert escape_time(saddle(), X, Y, **{**SETTINGS, "steps": steps - 1}).status == "stayed"


def test_a_divergence_is_a_status_and_a_warning():
    with pytest.warns(DivergenceWarning, match="lr = 1e\\+200 is too large"):
        found = escape_time(saddle(), X, Y, below=1e-9, lr=1e200)
    assert found.status == "diverged"
    with pytest.raises(DivergedError, match="lr"):
        _ = found.steps


def test_float32_arrays_and_results_that_compare():
    expected = escape_time(saddle(), X.float(), Y.float(), **SETTINGS)
    assert escape_time(saddle().float(), X.float().numpy(), Y.float().numpy(), **SETTINGS) == expected


class Tanh(nn.Module):
    """A class of the reader's own with a known name."""

    def forward(self, z):
        return torch.tanh(5 * z)


def two(activation, inputs=1, outputs=1, **options):
    return ep.two_layer(inputs, 2, outputs=outputs, activation=activation, std=0.3, **options)


@pytest.mark.parametrize(
    ("net", "x", "y", "message"),
    [
        (two(Tanh), X, Y, "no compiled gradient descent for Tanh"),
        (two(nn.LeakyReLU), X, Y, "no compiled gradient descent for LeakyReLU"),
        (two(nn.Softplus(5.0)), X, Y, "no compiled gradient descent for Softplus"),
        (two(nn.Tanh, inputs=2), X, Y, r"x must be of shape \(n, 2\)"),
        (two(nn.Tanh), X.expand(-1, 4), Y, r"x must be of shape \(n, 1\)"),
        (two(nn.Tanh, outputs=2), X, Y, "y must be of shape"),
        (two(nn.Tanh), X, torch.cat([Y, Y]), "y must be of shape"),
        (two(nn.Tanh), X, Y[:, 0], "y must be of shape"),
        (two(nn.Tanh), X * float("nan"), Y, "x holds nan"),
        (two(nn.Tanh, output_bias=True), X, Y, "expected a two-layer network"),
        (nn.Sequential(nn.Linear(1, 1)).double(), X, Y, "expected a two-layer network"),
        (nn.Sequential(*two(nn.Tanh), nn.Tanh()), X, Y, "expected a two-layer network"),
    ],
)
def test_what_the_kernel_would_misread_is_refused(net, x, y, message):
    with pytest.raises(ValueError, match=message):
        escape_time(net, x, y, **SETTINGS)


@pytest.mark.parametrize(
    "change",
    [{"below": 0.0}, {"lr": float("nan")}, {"kick": -1.0}, {"steps": 2.5}, {"steps": 0}, {"seed": -1}],
)
def test_impossible_settings_are_refused(change):
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=f"{name} must be .*{value}"):
        escape_time(copy.deepcopy(saddle()), X, Y, **{**SETTINGS, **change})
