"""Units do not matter: the same points, however large or small the numbers that describe the data."""

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import epbook as ep

X, Y = ep.data.tanh_teacher()


def gradient(net, x, y):
    pieces = torch.autograd.grad(mse_loss(net(x), y), list(net.parameters()))
    return sum(piece.abs().sum().item() for piece in pieces)


def scaled(net, x_scale, y_scale):
    (W, b, sigma), (A, c, _) = ep.layers(net)
    return ep.sequential([(W / x_scale, b, sigma), (A * y_scale, c, None)])


def near_the_minimum():
    """A tanh net of one neuron near the minimum of the data."""
    W, b, A = (torch.tensor(part, dtype=torch.float64) for part in ([[0.12]], [0.05], [[3.5]]))
    return ep.sequential([(W, b, nn.Tanh()), (A, None, None)])


@pytest.mark.parametrize("y_scale", [1e-9, 1e-5, 30.0, 1e4])
@pytest.mark.parametrize("x_scale", [1e-5, 1.0, 1e6])
def test_the_minimum_is_found_in_all_units(x_scale, y_scale):
    start = near_the_minimum()
    point = ep.find_critical(scaled(start, x_scale, y_scale), X * x_scale, Y * y_scale)
    assert point.status == "finite", point.reason
    assert point.inertia == (0, 0, 3)
    assert point.loss / y_scale**2 == pytest.approx(0.10902274209, abs=1e-9)
    # In units of the data, what was found is critical: it was not, when small output weights counted as zero.
    assert gradient(scaled(point.model, 1 / x_scale, 1 / y_scale), X, Y) < 1e-11


@pytest.mark.parametrize("power", [-30, 17])
def test_powers_of_two_change_no_bit(power):
    start = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0, seed=3)
    plain = ep.find_critical(start, X, Y)
    moved = ep.find_critical(scaled(start, 2.0**power, 2.0**-power), X * 2.0**power, Y * 2.0**-power)
    assert (moved.status, moved.steps, moved.signs) == (plain.status, plain.steps, plain.signs)
    assert torch.equal(scaled(moved.model, 2.0**-power, 2.0**power)[0].weight, plain.model[0].weight)


def test_collections_of_small_targets_are_those_of_the_data():
    small, plain = (ep.critical.find_critical_points(2, X, Y * scale, starts=12) for scale in (2.0**-30, 1.0))
    assert small.statuses == plain.statuses
    assert small.hits == plain.hits
    assert [p.loss * 4.0**30 for p in small] == pytest.approx([p.loss for p in plain], rel=1e-9)


def test_another_loss_has_units_too():
    def half(f, t):
        return mse_loss(f, t) / 2

    start = near_the_minimum()
    point = ep.find_critical(scaled(start, 1.0, 1e-9), X, Y * 1e-9, loss=half)
    assert point.status == "finite"
    assert 2e18 * point.loss == pytest.approx(0.10902274209, abs=1e-9)


def test_a_tolerance_is_in_the_units_of_the_reader():
    start = near_the_minimum()
    point = ep.find_critical(start, X, Y, tolerance=1e-300)
    assert point.status == ("not converged" if point.gradient_l1 > 0 else "finite")
    assert ep.find_critical(start, X, Y, tolerance=1e-10).status == "finite"
