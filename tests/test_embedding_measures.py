"""What the chapter measures: figure 1.5, the nearest embedded point, volumes."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.embedding.assignment import Fixed, Scaled
from epbook.embedding.nearest import _sides


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


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.Sigmoid])
def test_nearest_point_against_every_assignment(activation):
    ratios = []
    for case in range(12):
        narrow = ep.two_layer(1, 2, activation=activation, std=1.0, seed=case)
        wide = ep.embed(narrow, 5, seed=case)
        generator = torch.Generator().manual_seed(case)
        with torch.no_grad():
            for p in wide.parameters():
                p += 0.15 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
        found = ep.embedding.nearest_embedded(wide, narrow, starts=4)
        w, c, _ = _sides(wide, "wide")
        v, d, _ = _sides(narrow, "narrow")
        signs = (1, -1) if activation is nn.Tanh else (1,)
        problem = (
            Scaled(w, c, v, d) if activation is nn.ReLU else Fixed(w, c, v, d, signs, activation is nn.Tanh)
        )
        best = np.inf
        for options in itertools.product(range(problem.base.shape[1]), repeat=5):
            chosen = np.array(options)
            allowed = np.isfinite(problem.base[np.arange(5), chosen]).all()
            if allowed and set(problem.group[chosen]) >= {0, 1}:
                new_in, new_out = problem.rebuild(chosen)
                copies = problem.group[chosen]
                turned = activation is nn.ReLU and (
                    (copies >= 0) & ((new_in * problem.ray[copies]).sum(axis=1) <= 0)
                )
                if not np.any(turned):
                    best = min(best, ((new_in - w) ** 2).sum() + ((new_out - c) ** 2).sum())
        assert found.distance >= best**0.5 * (1 - 1e-9)  # no assignment beats the list of all
        ratios.append(found.distance / best**0.5)
        x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
        torch.testing.assert_close(found.model(x), narrow(x), rtol=1e-9, atol=1e-9)
    assert np.median(ratios) < 1 + 1e-9
    assert max(ratios) < 1.1


def test_nearest_is_zero_on_the_set_and_bad_input_is_named():
    net = ep.two_layer(1, 2, std=1.0, seed=1)
    wide = ep.embedding.scale(ep.embed(net, 5), 2.5, neuron=3)
    found = ep.embedding.nearest_embedded(wide, net)
    assert found.distance < 1e-13
    assert found.copies == (0, 1, 0, 0, 1)
    with pytest.raises(ValueError, match="does not embed into width 2"):
        ep.embedding.nearest_embedded(net, wide)
    with pytest.raises(ValueError, match="differ in σ"):
        ep.embedding.nearest_embedded(wide, ep.two_layer(1, 2, activation=nn.Tanh))
    with pytest.raises(ValueError, match="narrow must be a two-layer network of scalar output"):
        ep.embedding.nearest_embedded(wide, ep.two_layer(1, 2, outputs=2))
    with pytest.raises(ValueError, match="starts"):
        ep.embedding.nearest_embedded(wide, net, starts=0)


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


def test_targets_need_samples():
    net = ep.two_layer(1, 3, activation=nn.Tanh)
    with pytest.raises(ValueError, match="4 samples give 4 outputs for 9 parameters"):
        ep.critical.critical_targets(net, torch.zeros(4, 1, dtype=torch.float64))
