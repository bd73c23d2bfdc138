"""reduce: the inverse of every embedding, the three modes, the bound, deeper networks, bad input."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from epbook.embedding import add_null, embed, permute, plan, split
from epbook.given import layers
from epbook.networks import sequential
from epbook.reduction import reduce

ACTIVATIONS = [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU]
MODES = ["random", "mean", "least-squares"]


def random_net(widths, activation=nn.Tanh, *, bias=True, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    last = len(widths) - 2
    return sequential(
        [
            (normal(out, inner), normal(out) if bias else None, None if at == last else activation())
            for at, (inner, out) in enumerate(itertools.pairwise(widths))
        ]
    )


def inputs(n, d, seed=1):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_same(first, second, tolerance):
    for (w1, b1, _), (w2, b2, _) in zip(layers(first), layers(second), strict=True):
        assert w1.shape == w2.shape
        assert torch.allclose(w1, w2, rtol=tolerance, atol=tolerance)
        assert (b1 is None) == (b2 is None)
        assert b1 is None or torch.allclose(b1, b2, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_reduction_is_the_inverse_of_splitting_to_the_last_bit(activation, bias, mode):
    """Halves add up without rounding, so nothing at all may differ."""
    net = random_net([3, 4, 3, 2], activation, bias=bias)
    wide = split(split(split(net, layer=0, neuron=1), layer=0, neuron=3), layer=1, neuron=2)
    small, report = reduce(wide, similarity=0.999, mode=mode, x=inputs(40, 3))
    assert report.widths_after == (4, 3)
    if mode == "least-squares":  # its correction is zero up to rounding
        assert_same(small, net, 1e-11)
    else:
        assert_same(small, net, 0.0)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    activation=st.sampled_from(ACTIVATIONS),
    bias=st.booleans(),
    mode=st.sampled_from(MODES),
)
def test_reduction_is_the_inverse_of_multi_step_embedding(seed, activation, bias, mode):
    net = random_net([2, 3, 4, 2], activation, bias=bias, seed=seed)
    wide = embed(net, [7, 9], seed=seed)
    small, _ = reduce(wide, similarity=1.0, mode=mode, x=inputs(30, 2), low_amplitude=0.0)
    assert_same(small, net, 1e-13 if mode != "least-squares" else 1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), activation=st.sampled_from(ACTIVATIONS), nulls=st.booleans())
def test_reduction_is_the_inverse_of_the_general_compatible_embedding(seed, activation, nulls):
    """Up to the order of the neurons, which the embedding's index maps give."""
    net = random_net([2, 3, 3, 2], activation, seed=seed)
    drawn = plan.random_compatible(net, [6, 7], nulls=nulls, seed=seed)
    small, report = reduce(drawn(net), similarity=1.0, low_amplitude=1e-9)
    for layer, row in enumerate(drawn.steps[0].maps):
        sources = [row[group[0]] for group in report.layers[layer].groups.members]
        assert sorted(sources) == [0, 1, 2]
        small = permute(small, np.argsort(sources), layer=layer)
    assert_same(small, net, 1e-7)


def test_null_neurons_go_and_leave_no_trace():
    net = random_net([2, 3, 2], nn.Sigmoid)
    small, report = reduce(add_null(net, bias=0.7))
    assert report.layers[0].groups.constant == (3,)
    assert_same(small, net, 0.0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_neuron_that_ignores_its_input_moves_into_the_bias(activation):
    net = random_net([2, 4, 2], activation)
    net[0].weight.data[2] = 0.0
    small, report = reduce(net, similarity=1.0, low_amplitude=0.0)
    assert report.widths_after == (3,)
    x = inputs(20, 2)
    assert torch.allclose(small(x), net(x), rtol=0, atol=1e-14)


def test_opposite_neurons_merge_where_the_activation_is_odd():
    for activation, width in ((nn.Tanh, 1), (nn.Sigmoid, 2), (nn.ReLU, 2)):
        net = sequential(
            [
                (torch.tensor([[1.0, 2.0], [-1.0, -2.0]]), torch.tensor([0.5, -0.5]), activation()),
                (torch.tensor([[3.0, 1.0]]), None, None),
            ]
        )
        small, report = reduce(net, similarity=1.0)
        assert report.widths_after == (width,)
        x = inputs(20, 2).float()
        assert torch.allclose(small(x), net(x), atol=1e-6)


def test_the_random_rule_is_the_chapters():
    """a_j ← Σ_k a_k ‖w_k‖/‖w_j‖ and w_j kept, checked by hand on two neurons 10° apart."""
    angle = np.deg2rad(10)
    w = torch.tensor([[2.0, 0.0], [5 * np.cos(angle), 5 * np.sin(angle)]], dtype=torch.float64)
    net = sequential([(w, None, nn.ReLU()), (torch.tensor([[3.0, 7.0]], dtype=torch.float64), None, None)])
    seen = set()
    for seed in range(8):
        small, _ = reduce(net, similarity=0.9, mode="random", seed=seed)
        j = 0 if torch.equal(small[0].weight[0], w[0]) else 1
        seen.add(j)
        assert torch.equal(small[0].weight[0], w[j])
        assert small[2].weight.item() == pytest.approx((3 * 2 + 7 * 5) / (2, 5)[j])
    assert seen == {0, 1}


def test_the_mean_rule_points_along_the_weighted_mean_direction():
    w = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    net = sequential([(w, None, nn.ReLU()), (torch.tensor([[3.0, 1.0]], dtype=torch.float64), None, None)])
    small, _ = reduce(net, similarity=1e-9, mode="mean")
    assert len(small[0].weight) == 2, "orthogonal neurons are not similar at all"
    net[0].weight.data = torch.tensor([[2.0, 0.0], [1.2, 1.6]], dtype=torch.float64)
    small, _ = reduce(net, similarity=0.5, mode="mean")
    direction = torch.tensor([3 * 2 + 2 * 0.6, 2 * 0.8], dtype=torch.float64)
    assert torch.allclose(small[0].weight[0] / small[0].weight.norm(), direction / direction.norm())
    assert (small[0].weight.norm() * small[2].weight).item() == pytest.approx(3 * 2 + 1 * 2)


@pytest.mark.parametrize("depth", [1, 2])
def test_least_squares_is_never_worse_on_the_next_layers_input(depth):
    net = condensed([3, *[12] * depth, 2])
    x = inputs(50, 3)
    far = {}
    for mode in MODES:
        small, report = reduce(net, similarity=0.8, mode=mode, layers=depth - 1, x=x)
        far[mode] = (small(x) - net(x)).norm().item()
        assert report.widths_after[0] < 12
    assert far["least-squares"] <= far["mean"] + 1e-12
    assert far["least-squares"] <= far["random"] + 1e-12


def condensed(widths, activation=nn.ReLU, noise=0.1, seed=0):
    """A network whose hidden neurons are noisy copies of a quarter as many."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    built = []
    for at, (inner, out) in enumerate(itertools.pairwise(widths)):
        last = at == len(widths) - 2
        centre = normal(out if last else out // 4, inner + 1).repeat(1 if last else 4, 1)
        rows = centre + (0 if last else noise) * normal(*centre.shape)
        built.append((rows[:, :-1], rows[:, -1], None if last else activation()))
    return sequential(built)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    activation=st.sampled_from([*ACTIVATIONS, nn.SiLU, nn.Softplus]),
    mode=st.sampled_from(MODES),
    low=st.sampled_from([0.0, 0.3]),
)
def test_the_bound_holds_on_the_data_and_beyond(seed, activation, mode, low):
    net = condensed([3, 12, 8, 2], activation, seed=seed)
    x = inputs(40, 3, seed)
    _, report = reduce(net, similarity=0.9, mode=mode, x=x, low_amplitude=low)
    assert report.change <= report.bound + 1e-10
    first, layer = reduce(net, similarity=0.9, mode=mode, layers=0, x=x, low_amplitude=low)
    entry = layer.layers[0]
    far = 30 * inputs(200, 3, seed + 1)
    moved = (first[:3](far) - net[:3](far)).norm(dim=1)
    length = torch.hypot(far.norm(dim=1), torch.ones(1, dtype=far.dtype))
    assert (moved <= entry.offset + entry.slope * length + 1e-9).all()


def test_without_a_known_lipschitz_constant_there_is_no_bound():
    net = condensed([3, 8, 2], nn.Mish)
    _, report = reduce(net, similarity=0.9, x=inputs(10, 3))
    assert report.bound is None
    assert report.change is not None
    assert "no bound" in str(report)


def test_the_report_says_what_happened():
    net = condensed([3, 12, 2], noise=0.02)
    net[2].weight.data[:, 5] *= 1e-9
    x = inputs(30, 3)
    y = net(x).detach()
    small, report = reduce(net, similarity=0.95, x=x, y=y)
    entry = report.layers[0]
    assert entry.groups.low == (5,)
    assert entry.width_before == 12
    assert entry.width_after == len(entry.groups) == small[0].out_features
    assert 0 < entry.dropped_amplitude < 1e-8
    assert report.loss_before == 0
    assert report.loss_after == pytest.approx(nn.functional.mse_loss(small(x), y).item())
    assert report.change == pytest.approx((small(x) - y).norm(dim=1).max().item())
    for words in ("12 → ", "worst pair", "low amplitude: 1 neurons", "loss 0 →"):
        assert words in str(report)


def test_the_network_given_is_not_changed_and_shares_nothing():
    net = condensed([3, 8, 2])
    before = copy.deepcopy(net.state_dict())
    small, _ = reduce(net, mode="least-squares", x=inputs(20, 3))
    with torch.no_grad():
        for parameter in small.parameters():
            parameter.zero_()
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_a_network_that_is_not_condensed_stays_as_wide():
    net = random_net([20, 30, 3], nn.ReLU)
    small, report = reduce(net)
    assert report.widths_after == (30,)
    assert_same(small, net, 0.0)


def test_only_the_layers_asked_for_are_reduced():
    net = condensed([3, 8, 8, 2], noise=0.01)
    small, report = reduce(net, layers=[1])
    assert (small[0].out_features, small[2].out_features) == (8, 2)
    assert [entry.groups.layer for entry in report.layers] == [1]
