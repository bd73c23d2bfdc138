"""The nearest embedded point: against every assignment, against bounds, for every σ that has symmetries."""

import itertools

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import epbook as ep
from epbook.embedding.copies import Scaled, ratio
from epbook.embedding.nearest import assignment, nearest_embedded

X = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]


def sides(net):
    layers = ep.layers(net)
    return layers[0].incoming.numpy(), layers[1].weight[0].numpy()


def nearby(narrow, case, noise=0.15):
    """An embedding into width 5, moved a little."""
    wide, draw = ep.embed(narrow, 5, seed=case), torch.Generator().manual_seed(case)
    with torch.no_grad():
        for p in wide.parameters():
            p += noise * torch.randn(p.shape, generator=draw, dtype=p.dtype)
    return wide


def least_of_all(wide, narrow):
    """The least distance over the list of all assignments."""
    (w, c), (v, d) = sides(wide), sides(narrow)
    problem, best = assignment(ep.layers(wide)[0], w, c, v, d), np.inf
    for options in itertools.product(range(problem.base.shape[1]), repeat=len(w)):
        chosen = np.array(options)
        copies = problem.group[chosen]
        if not np.isfinite(problem.base[np.arange(len(w)), chosen]).all() or set(copies) < {*range(len(v))}:
            continue
        if not set(range(len(v))) <= set(copies):
            continue
        new_in, new_out = problem.rebuild(chosen)
        turned = isinstance(problem, Scaled) and (
            (copies >= 0) & ((new_in * problem.ray[copies]).sum(axis=1) <= 0)
        )
        if not np.any(turned):
            best = min(best, ((new_in - w) ** 2).sum() + ((new_out - c) ** 2).sum())
    return best**0.5


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.ReLU(), nn.Sigmoid(), nn.LeakyReLU(0.3)])
def test_nearest_point_against_every_assignment(activation):
    ratios = []
    for case in range(12):
        narrow = ep.two_layer(1, 2, activation=activation, std=1.0, seed=case)
        wide = nearby(narrow, case)
        found, best = nearest_embedded(wide, narrow, starts=4), least_of_all(wide, narrow)
        assert found.distance >= best * (1 - 1e-9)  # no assignment beats the list of all
        ratios.append(found.distance / best)
        torch.testing.assert_close(found.model(X), narrow(X), rtol=1e-9, atol=1e-9)
    assert np.median(ratios) < 1 + 1e-9
    assert max(ratios) < 1.1


def test_more_starts_find_what_one_start_misses():
    distances = []
    for case in range(20):
        narrow = ep.two_layer(1, 3, activation=nn.Tanh, std=1.0, seed=case)
        wide = ep.two_layer(1, 7, activation=nn.Tanh, std=1.0, seed=100 + case)
        distances.append([nearest_embedded(wide, narrow, starts=starts).distance for starts in (1, 12)])
        assert nearest_embedded(wide, narrow, starts=3, seed=case).distance >= distances[-1][1] * 0.8
    one, many = np.array(distances).T
    assert (many <= one * (1 + 1e-12)).all()
    assert (many < one * (1 - 1e-3)).sum() >= 3


@pytest.mark.parametrize("width", [200, 500, 1000])
def test_a_wide_start_near_zero_is_as_far_as_the_smallest_embedded_point(width):
    # The smallest point of the set has ‖(w̃, c)‖² = 2|c|‖w̃‖ per neuron: s = |a| on the ray. By the triangle
    # inequality the start's distance differs from its norm by no more than the start's own.
    narrow, wide = ep.two_layer(1, 2, std=1.0, seed=5), ep.two_layer(1, width, seed=1)
    w, c = sides(narrow)
    smallest = np.sqrt(2 * (np.abs(c) * np.linalg.norm(w, axis=1)).sum())
    own = nn.utils.parameters_to_vector(wide.parameters()).norm().item()
    found = nearest_embedded(wide, narrow)
    assert abs(found.distance - smallest) <= own
    assert (found.model(X) - narrow(X)).abs().max() < 1e-13
    moved = nn.utils.parameters_to_vector(found.model.parameters())
    start = nn.utils.parameters_to_vector(wide.parameters())
    assert abs((moved - start).norm().item() - found.distance) < 1e-12


def test_exact_zeros_can_be_scaled_too():
    narrow = ep.two_layer(1, 2, std=1.0, seed=5)
    for value in (0.0, 1e-300):
        wide = ep.two_layer(1, 4, std=0.0)
        nn.init.constant_(wide[0].weight, value)
        found = nearest_embedded(wide, narrow)
        w, c = sides(narrow)
        assert found.distance == pytest.approx(np.sqrt(2 * (np.abs(c) * np.linalg.norm(w, axis=1)).sum()))
        assert (found.model(X) - narrow(X)).abs().max() < 1e-13


@settings(max_examples=200, deadline=None)
@given(
    p=st.floats(-30, 30),
    q=st.floats(-30, 30),
    goal=st.floats(-30, 30),
    sign=st.sampled_from([-1.0, 0.0, 1.0]),
)
def test_the_ratio_is_the_root_to_rounding(p, q, goal, sign):
    p, q, goal = 10.0**p, 10.0**q, sign * 10.0**goal
    found = mpmath.mpf(float(ratio(np.array(p), np.array(q), np.array(goal))))
    with mpmath.workdps(60):
        left, right = p * (1 + found) ** 2, q * (1 + 1 / found) ** 2
        step = (left - right - 8 * mpmath.mpf(goal)) / (
            2 * (p * (1 + found) + q * (1 + 1 / found) / found**2)
        )
        assert abs(step) <= 1e-13 * found  # one Newton step on the equation itself moves it no further


def test_nearest_is_zero_on_the_set_and_bad_input_is_named():
    net = ep.two_layer(1, 2, std=1.0, seed=1)
    wide = ep.embedding.scale(ep.embed(net, 5), 2.5, neuron=3)
    found = nearest_embedded(wide, net)
    assert found.distance < 1e-13
    assert found.copies == (0, 1, 0, 0, 1)
    assert found == nearest_embedded(wide, net)
    no_bias = ep.sequential(
        [(torch.ones(5, 2).double(), None, nn.ReLU()), (torch.ones(1, 5).double(), None, None)]
    )
    silent = ep.sequential([(torch.zeros(2, 1), torch.zeros(2), nn.ReLU()), (torch.ones(1, 2), None, None)])
    for networks, message in (
        ((net, wide), "does not embed into width 2"),
        ((wide, ep.two_layer(1, 2, activation=nn.Tanh)), "differ in σ"),
        ((wide, ep.two_layer(2, 2)), "differ in σ"),
        ((no_bias, net), "differ in σ, inputs or biases"),
        ((wide, ep.two_layer(1, 2, outputs=2)), "narrow must be a two-layer network of scalar output"),
        ((ep.two_layer(1, 5, output_bias=True), net), "wide must be a two-layer network"),
        ((wide, silent), "neuron 0 of the narrow network has no incoming weights"),
    ):
        with pytest.raises(ValueError, match=message):
            nearest_embedded(*networks)
    for option in ("starts", "seed"):
        with pytest.raises(ValueError, match=option):
            nearest_embedded(wide, net, **{option: -1})


def test_one_activation_is_the_same_settings_not_the_same_name():
    slopes = [ep.two_layer(1, 2, activation=nn.LeakyReLU(slope), std=1.0) for slope in (0.3, 0.01)]
    with pytest.raises(ValueError, match="differ in σ"):
        nearest_embedded(*slopes)
    assert nearest_embedded(slopes[0], slopes[0]).distance < 1e-14


def with_neuron_off(activation):
    """The first neuron is the narrow network, the second has z < 0 on all of X."""

    def column(*values):
        return torch.tensor(values, dtype=torch.float64)[:, None]

    narrow = ep.sequential([(column(1.0), column(0.5)[0], activation), (column(1.0), None, None)])
    wide = ep.sequential(
        [(column(1.0, 1.0), column(0.5, -5.0)[:, 0], activation), (column(1.0, 3.0).T, None, None)]
    )
    return wide, narrow


@pytest.mark.parametrize("activation", [nn.LeakyReLU(0.3), nn.ReLU(), nn.ELU(), nn.SiLU()])
def test_only_what_is_silent_counts_as_null_where_it_stands(activation):
    wide, narrow = with_neuron_off(activation)
    found = nearest_embedded(wide, narrow, x=X)
    assert (found.model(X) - narrow(X)).abs().max() < 1e-14
    if isinstance(activation, nn.ReLU):
        assert found.distance < 1e-14
        assert found.copies == (0, -1)
        assert found.model[0].bias[1] == wide[0].bias[1]
        assert nearest_embedded(wide, narrow).distance > 0.1  # without x nobody knows that it is off
    else:
        assert found.distance > 0.1


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_the_model_has_the_type_of_the_wide_network_and_the_search_is_float64(dtype):
    narrow = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0).to(dtype)
    wide = nearby(narrow.double(), 0).to(dtype)
    found = nearest_embedded(wide, narrow.to(dtype), x=X.to(dtype))
    assert found.model[0].weight.dtype == dtype
    assert found.distance == nearest_embedded(wide.double(), narrow.double()).distance
