"""Similarity, amplitude and groups: the promise for every pair, and what may be merged at all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from epbook.embedding import add_null, scale, split, three_fold
from epbook.networks import sequential, two_layer
from epbook.reduction import amplitude, groups, similarity


def net_of(weights, outputs, activation=nn.ReLU, bias=None, next_bias=None):
    """A two-layer network from rows of input weights and columns of output weights."""
    w = torch.tensor(weights, dtype=torch.float64)
    a = torch.tensor(outputs, dtype=torch.float64)
    b = None if bias is None else torch.tensor(bias, dtype=torch.float64)
    c = None if next_bias is None else torch.tensor(next_bias, dtype=torch.float64)
    return sequential([(w, b, activation()), (a, c, None)])


def test_similarity_of_relu_neurons_is_the_cosine_of_weights_with_bias():
    net = net_of([[3.0], [0.0], [-6.0]], [[1.0, 1.0, 1.0]], bias=[4.0, 2.0, -8.0])
    expected = [[1.0, 0.8, -1.0], [0.8, 1.0, -0.8], [-1.0, -0.8, 1.0]]
    assert similarity(net).tolist() == pytest.approx(np.array(expected), abs=1e-15)


def test_similarity_of_tanh_neurons_sees_the_norm_and_folds_the_sign():
    net = net_of([[1.0], [3.0], [-1.0]], [[1.0, 1.0, 1.0]], nn.Tanh)
    assert similarity(net)[0].tolist() == pytest.approx([1.0, 1 - 4 / 10, 1.0])
    sigmoid = net_of([[1.0], [3.0], [-1.0]], [[1.0, 1.0, 1.0]], nn.Sigmoid)
    assert similarity(sigmoid)[0].tolist() == pytest.approx([1.0, 0.6, -1.0])


@pytest.mark.parametrize("bias", [None, [0.3, -0.2, 0.1, 2.0, 0.0]])
def test_similarities_are_those_of_the_formulas(bias):
    u = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    full = u if bias is None else torch.cat([u, torch.tensor(bias, dtype=torch.float64)[:, None]], dim=1)
    square = (full**2).sum(dim=1)
    inner = full @ full.T
    cosine = inner / torch.outer(square, square).sqrt()
    near = 2 * inner / (square[:, None] + square)  # 1 − ‖u − v‖²/(‖u‖² + ‖v‖²)
    for activation, expected in (
        (nn.ReLU, cosine),
        (nn.Identity, cosine.abs()),
        (nn.Sigmoid, near),
        (nn.Tanh, near.abs()),
    ):
        found = similarity(net_of(u.tolist(), [[1.0] * 5], activation, bias=bias))
        assert torch.allclose(found, expected, rtol=0, atol=1e-14)


def test_two_zero_vectors_are_equal_where_lengths_count():
    net = net_of([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0, 1.0]], nn.Tanh)
    assert similarity(net)[0].tolist() == [1.0, 0.0, 1.0]


def test_a_zero_vector_is_similar_to_nothing_where_directions_count():
    net = net_of([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0, 1.0]])
    assert similarity(net)[0].tolist() == [1.0, 0.0, 0.0]


def test_amplitude_is_output_times_input_norm():
    net = net_of([[3.0], [0.0]], [[2.0, 1.0], [0.0, 1.0]], bias=[4.0, 2.0])
    assert amplitude(net).tolist() == pytest.approx([10.0, 2 * 2**0.5])
    sigmoid = net_of([[3.0], [0.0]], [[2.0, 1.0], [0.0, 1.0]], nn.Sigmoid, bias=[4.0, 0.0])
    assert amplitude(sigmoid).tolist() == pytest.approx([2 * 5.5, 0.5 * 2**0.5])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    threshold=st.sampled_from([0.3, 0.7, 0.9, 0.99]),
    activation=st.sampled_from([nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU]),
)
def test_every_pair_of_a_group_keeps_the_promise(seed, threshold, activation):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    weights = centres.repeat(8, 1) + 0.3 * torch.randn(32, 3, generator=generator, dtype=torch.float64)
    outputs = torch.randn(2, 32, generator=generator, dtype=torch.float64)
    net = sequential([(weights, None, activation()), (outputs, None, None)])
    found = groups(net, similarity=threshold, low_amplitude=0.05)
    s = similarity(net)
    for group, worst in zip(found.members, found.worst, strict=True):
        pairs = s[list(group)][:, list(group)]
        assert pairs.min() >= threshold - 1e-12
        assert worst == pytest.approx(pairs.min().item(), abs=1e-12)
    together = sorted([k for group in found.members for k in group] + list(found.low))
    assert together == list(range(32)), "a neuron is lost or twice"
    assert sorted(found.order) == list(range(32))


def test_a_chain_of_neurons_is_not_one_group():
    """40 directions, 4° apart: neighbours at 0.998, ends at cos 156°; single linkage would take all."""
    angles = np.deg2rad(4 * np.arange(40))
    net = net_of(np.stack([np.cos(angles), np.sin(angles)], 1).tolist(), [[1.0] * 40])
    found = groups(net, similarity=0.9)
    assert len(found) >= 156 / np.rad2deg(np.arccos(0.9)) - 1
    assert min(found.worst) >= 0.9


def test_low_amplitude_is_set_apart_but_not_a_small_copy():
    net = two_layer(3, 5, std=1.0, seed=4)
    net[2].weight.data[:, 3] *= 1e-6
    wide = split(net, neuron=1, alpha=1e-7)  # a copy of neuron 1 with nearly no output
    found = groups(wide, similarity=0.9999)
    assert found.low == (3,)
    assert (1, 5) in found.members


def test_copies_that_cancel_are_left_out():
    net = net_of([[1.0, 2.0], [1.0, 2.0], [2.0, -1.0]], [[3.0, -3.0, 1.0]])
    found = groups(net, similarity=0.9, low_amplitude=0.0)
    assert found.low == (0, 1)
    assert found.members == ((2,),)


def test_scaled_copies_are_equal_for_relu_only():
    for activation, count in ((nn.ReLU, 3), (nn.Tanh, 4)):
        net = two_layer(2, 3, std=1.0, activation=activation, seed=1)
        wide = split(net, neuron=0, alpha=0.5)
        wide = scale(wide, 2.0, neuron=3) if activation is nn.ReLU else wide
        if activation is nn.Tanh:
            wide[0].weight.data[3] *= 2
            wide[0].bias.data[3] *= 2
        assert len(groups(wide, similarity=1.0)) == count


def test_three_fold_collapses_to_one():
    net = two_layer(2, 3, std=1.0, activation=nn.Tanh, seed=1)
    assert len(groups(three_fold(net), similarity=1.0)) == 3


def test_constants_go_to_the_bias_only_where_there_is_one():
    with_bias = two_layer(2, 3, std=1.0, activation=nn.Sigmoid, output_bias=True)
    assert groups(add_null(with_bias, bias=0.4)).constant == (3,)
    without = two_layer(2, 3, std=1.0, activation=nn.Sigmoid)
    without[0].weight.data[1] = 0.0
    assert groups(without).constant == ()


@pytest.mark.parametrize("next_bias", [None, [1.0]])
def test_a_network_that_is_zero_keeps_one_neuron(next_bias):
    for activation in (nn.ReLU, nn.Sigmoid):
        net = net_of([[0.0], [0.0]], [[0.0, 0.0]], activation, bias=[0.0, 0.0], next_bias=next_bias)
        assert len(groups(net)) == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"similarity": 0.0}, "0.0"),
        ({"similarity": 1.5}, "1.5"),
        ({"similarity": float("nan")}, "nan"),
        ({"low_amplitude": 1.0}, "1.0"),
        ({"low_amplitude": -0.1}, "-0.1"),
        ({"layer": 1}, "1"),
        ({"layer": -1}, "-1"),
    ],
)
def test_impossible_requests_are_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        groups(two_layer(2, 3), **settings)


def test_weights_that_are_not_finite_are_refused():
    net = two_layer(2, 3)
    net[0].weight.data[1, 1] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        similarity(net)
