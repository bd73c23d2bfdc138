"""What the chapter measures: figure 1.5, the nearest embedded point, volumes."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep


def half_mse(output, target):
    return nn.functional.mse_loss(output, target) / 2


def test_figure_1_5_a():
    x, y = ep.data.tanh_teacher()
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=2**-1.5, seed=0)
    optimiser = torch.optim.LBFGS(
        net.parameters(),
        max_iter=2000,
        tolerance_grad=1e-10,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimiser.zero_grad()
        value = nn.functional.mse_loss(net(x), y)
        value.backward()
        return value

    optimiser.step(closure)
    point = ep.find_critical(net, x, y, loss=half_mse)
    assert point.status == "finite"
    assert point.gradient_l1 < 1e-13
    assert tuple(point.inertia) == (0, 0, 6)
    both = {3: [[0]], 4: [[0, 1]]}  # the plot: each neuron once
    one = {3: [[1]], 4: [[1, 1]]}  # the caption: one neuron into three
    for sources in (both, one):
        for width, expected in ((3, (1, 1, 7)), (4, (2, 2, 8))):
            wide = ep.embed(point.model, width, neurons=sources[width])
            assert tuple(ep.inertia(ep.hessian(wide, x, y, loss=half_mse))) == expected


def test_figure_1_5_b():
    x, y = ep.data.iris()
    start = torch.from_numpy(np.random.default_rng(330).normal(size=16))
    incoming = start[:10].view(2, 5)
    net = ep.sequential(
        [(incoming[:, :4], incoming[:, 4], nn.Sigmoid()), (start[10:].view(3, 2), None, None)]
    )
    point = ep.find_critical(net, x, y, search="minpack")
    assert point.status == "finite"
    assert point.gradient_l1 < 1e-12
    assert round(point.loss, 8) == 0.22238237
    expected = {1: [(5, 1, 18), (7, 2, 23)], 0: [(6, 1, 17), (9, 2, 21)]}
    assert tuple(point.inertia) == (3, 0, 13)
    for neuron, counts in expected.items():
        for k, count in zip((2, 3), counts, strict=True):
            wide = ep.split(point.model, neuron=neuron, fractions=[1 / k] * k)
            assert tuple(ep.inertia(ep.hessian(wide, x, y))) == count
            added = ep.split_inertia(point.model, x, y, neuron=neuron, fractions=[1 / k] * k)
            assert tuple(np.array(point.inertia) + np.array(added)) == count
    # Why: both neurons couple to two output directions; what is left of S differs in sign.
    laws = [ep.split_law(point.model, x, y, neuron=neuron) for neuron in (0, 1)]
    assert [law.rank for law in laws] == [2, 2]
    assert [int((law.curvatures < 0).sum()) for law in laws] == [1, 0]


def test_volume_against_the_ellipsoid_and_the_saddle():
    zero = torch.zeros(3, 1, dtype=torch.float64)
    net = ep.sequential([(torch.zeros(1, 3, dtype=torch.float64), None, None)])
    x = torch.diag(torch.tensor([3.0, 30.0, 0.0], dtype=torch.float64)) ** 0.5  # L = w₁² + 10 w₂², w₃ flat
    volume = ep.critical.flat_volume(net, x, zero, radius=1.0, particles=4000)
    # Inside the ball: a disc of area π ε/√10 times a length of about 2, over 4π/3.
    for height in (1e-4, 1e-3):
        exact = np.pi * height / 10**0.5 * 2 / (4 * np.pi / 3)
        assert 0.75 < volume.at(height) / exact < 1.33
    speed = ep.critical.flat_volume(net, x, zero, radius=1.0, particles=4000, height="gradient")
    assert 1.9 < speed.slope(1e-3, 1e-2) < 2.1  # two curved directions, one flat
    for bad in ({"radius": 0.0}, {"height": "depth"}, {"particles": 3}, {"deepest": -1.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            ep.critical.flat_volume(net, x, zero, **bad)
    with pytest.raises(ValueError, match="measured from"):
        volume.at(1e9)


def test_volume_ends_at_the_ball():
    """L = (w − 2)² falls on behind the unit ball around 0, in which its slope is at least 2."""
    net = ep.sequential([(torch.zeros(1, 1, dtype=torch.float64), None, None)])
    one = torch.ones(1, 1, dtype=torch.float64)
    speed = ep.critical.flat_volume(
        net, one, 2 * one, radius=1.0, height="gradient", particles=100, deepest=1e-4
    )
    assert speed.height[0] >= 2 * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_volume_of_a_canyon_a_hundred_thousand_times_as_long_as_wide(seed):
    # L = w₁² + 10¹⁰ w₂² in the unit disc: the fraction is ε/10⁵. Moves of one size for all directions die out
    # along the canyon; differences of two particles know it.
    net = ep.sequential([(torch.zeros(1, 2, dtype=torch.float64), None, None)])
    x, zero = torch.diag(torch.tensor([2.0, 2e10], dtype=torch.float64)) ** 0.5, torch.zeros(2, 1).double()
    volume = ep.critical.flat_volume(net, x, zero, radius=1.0, particles=600, deepest=1e-12, seed=seed)
    assert volume.height[0] < 1e-6
    for height in (1e-2, 1e-4, 1e-6):
        assert 0.5 < volume.at(height) / (height / 1e5) < 2


def test_volume_takes_any_loss_and_number_type_and_one_seed_gives_one_result():
    net = ep.sequential([(torch.zeros(1, 2, dtype=torch.float64), None, None)])
    x, zero = torch.eye(2, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64)

    def volume(net=net, x=x, loss=nn.functional.mse_loss, seed=0):
        return ep.critical.flat_volume(net, x, zero, loss=loss, seed=seed, radius=1.0, particles=100)

    assert volume() == volume(net.float(), x.float())
    assert volume(seed=1) != volume(net.double())
    mean, total = volume(), volume(loss=nn.MSELoss(reduction="sum"))
    np.testing.assert_allclose(total.height, 2 * mean.height, rtol=1e-12)
    assert np.array_equal(total.fraction, mean.fraction)


@pytest.mark.parametrize("sizes", [(1, 3, 1), (2, 2, 2, 1), (1, 2, 2, 2)])
def test_targets_make_a_float32_network_critical_in_float64(sizes):
    draw = torch.Generator().manual_seed(1)
    triples = [
        (torch.randn(out, into, generator=draw), torch.randn(out, generator=draw), nn.Tanh())
        for into, out in itertools.pairwise(sizes)
    ]
    net = ep.sequential([*triples[:-1], (*triples[-1][:2], None)])
    x = torch.randn(60, sizes[0], generator=draw)
    y = ep.critical.critical_targets(net, x, residual=0.3)
    net, x = net.double(), x.double()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    assert max(p.grad.abs().max() for p in net.parameters()) < 1e-13
    assert loss.item() ** 0.5 == pytest.approx(0.3)


def test_targets_need_samples():
    net = ep.two_layer(1, 3, activation=nn.Tanh)
    x = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
    with pytest.raises(ValueError, match=r"residual must be positive and finite, got -1\.0"):
        ep.critical.critical_targets(net, x, residual=-1.0)
    with pytest.raises(ValueError, match="seed"):
        ep.critical.critical_targets(net, x, seed=0.5)
    with pytest.raises(ValueError, match="4 samples give 4 outputs, and the 9 parameters"):
        ep.critical.critical_targets(net, x[::5])


def test_targets_where_the_parameters_move_the_output_in_few_directions():
    # All samples equal: nine parameters, one direction; and attention, whose symmetries are directions lost.
    net = ep.two_layer(1, 3, activation=nn.Tanh, std=1.0, seed=0)
    layer = nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0, batch_first=True).double()
    draw = torch.Generator().manual_seed(0)
    words = torch.randn(12, 3, 4, generator=draw, dtype=torch.float64)
    for each, x in ((net, torch.ones(4, 1, dtype=torch.float64)), (layer, words)):
        y = ep.critical.critical_targets(each, x, residual=0.3)
        loss = nn.functional.mse_loss(each(x), y)
        parts = torch.autograd.grad(loss, list(each.parameters()))
        assert max(float(part.abs().max()) for part in parts) < 1e-13
        assert loss.item() ** 0.5 == pytest.approx(0.3)
