"""What each kind of embedding does, refuses, lists and composes."""

import copy
import io

import numpy as np
import pytest
import torch
from embedding_cases import at_critical_point, flat, gradient, random_deep, random_net
from torch import nn

import epbook as ep
from epbook.embedding import Plan, Scale


@pytest.fixture
def net():
    return ep.two_layer(2, 3, outputs=2, activation=nn.Tanh, std=1.0, seed=3, output_bias=True)


@pytest.fixture
def deep():
    return random_deep(bias=True)


def x_of(net, n=9):
    return torch.linspace(-2, 2, n * net[0].in_features, dtype=torch.float64).view(n, -1)


def test_split_copies_the_input_side_and_shares_the_output_side(net):
    wide = ep.split(net, layer=0, neuron=1, alpha=0.3)
    assert type(wide) is nn.Sequential
    assert torch.equal(wide[0].weight[3], net[0].weight[1])
    assert torch.equal(wide[0].bias[3], net[0].bias[1])
    torch.testing.assert_close(wide[2].weight[:, 1], 0.7 * net[2].weight[:, 1], rtol=1e-15, atol=0)
    torch.testing.assert_close(wide[2].weight[:, 3], 0.3 * net[2].weight[:, 1], rtol=1e-15, atol=0)
    assert torch.equal(wide[2].weight[:, [0, 2]], net[2].weight[:, [0, 2]])


def test_arguments_are_never_changed_and_nothing_is_shared(net):
    before = copy.deepcopy(net.state_dict())
    for make in (
        lambda: ep.split(net),
        lambda: ep.add_null(net, bias=0.3),
        lambda: ep.embed(net, 6),
        lambda: ep.embedding.three_fold(net),
        lambda: ep.embedding.permute(net, [2, 1, 0]),
        lambda: ep.embedding.scale(net, -1, neuron=1),
        lambda: ep.embedding.random_compatible(net, 5),
    ):
        wide = make()
        with torch.no_grad():
            for p in wide.parameters():
                p.fill_(7.0)
        assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_a_split_is_a_compatible_embedding(net):
    alphas = [torch.ones(4, 2), torch.tensor([[0.7, 1, 1, 0.3]] * 2, dtype=torch.float64)]
    wide = ep.embedding.compatible(net, [[0, 1, 2, 0]], alphas)
    other = ep.split(net, neuron=0, alpha=0.3)
    for a, b in zip(wide.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-15, atol=0)


def test_k_new_neurons_span_k_directions_all_in_the_kernel():
    rng = np.random.default_rng(1)
    for depth in (2, 3):
        net = random_net(rng, depth, 2, nn.Tanh)
        x, y = at_critical_point(net, rng)
        now = [layer.width for layer in ep.layers(net)[:-1]]
        plan = ep.plan.embed(net, [width + 2 for width in now], seed=depth)
        wide = plan(net)
        tangent = ep.embedding.critical_directions(net, plan)
        assert tangent.shape[1] == 2 * len(now)
        H = ep.hessian(wide, x, y)
        assert (H @ tangent).abs().max() < 1e-12 * H.abs().max()


def test_the_k_dimensional_set_is_affine_and_critical_everywhere(deep):
    rng = np.random.default_rng(2)
    x, y = at_critical_point(deep, rng)
    sources = [[0, 1], [2, 2]]
    ends = [
        ep.embed(deep, [4, 5], neurons=sources, fractions=rng.uniform(-2, 2, size=(2, 2)).tolist())
        for _ in range(2)
    ]
    for t in (-1.0, 0.4, 2.5):
        between = copy.deepcopy(ends[0])
        with torch.no_grad():
            for p, q in zip(between.parameters(), ends[1].parameters(), strict=True):
                p.mul_(1 - t).add_(t * q)
        assert (between(x) - deep(x)).abs().max() < 1e-13
        assert flat(gradient(between, x, y)).abs().sum() < 1e-12


@pytest.mark.parametrize("nulls", [False, True])
def test_compatible_directions_number_as_the_heuristic_count(deep, nulls):
    rng = np.random.default_rng(3)
    x, y = at_critical_point(deep, rng)
    maps = [[0, 1, 1, -1], [2, 0, 1, 1, -1]] if nulls else [[0, 1, 1, 0], [2, 0, 1, 1, 1]]
    plan = ep.plan.random_compatible(deep, maps=maps, seed=4)
    tangent = ep.embedding.critical_directions(deep, plan)
    assert tangent.shape[1] == 2 + 2 + 2 * 2  # K + K₂K₁
    H = ep.hessian(plan(deep), x, y)
    assert (H @ tangent).abs().max() < 1e-11 * H.abs().max()


def test_directions_are_those_at_the_coefficients_and_not_only_where_all_are_in_use(deep):
    # Equal shares are a compatible embedding whose free α stand at 0: they may move all the same.
    alphas = [torch.ones(3, 2), [[0.5, 1.0, 0.5]] * 4, [[0.5, 1.0, 1.0, 0.5]] * 2]
    plan = ep.plan.compatible(deep, [[0, 1, 0], [0, 1, 2, 0]], alphas)
    assert ep.embedding.critical_directions(deep, plan).shape[1] == 1 + 1 + 1 * 1


def test_three_fold_makes_a_strict_saddle_of_a_minimum():
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(20):
        net = random_net(rng, 2, 1, nn.Tanh)
        x, y = at_critical_point(net, rng)
        y = net(x).detach() + 0.1 * (y - net(x).detach())  # a small residual: mostly minima
        before = ep.inertia(ep.hessian(net, x, y))
        if before.negative == 0 and before.decided:
            found += 1
            assert ep.inertia(ep.hessian(ep.embedding.three_fold(net), x, y)).negative > 0
    assert found >= 5


def test_scaling_a_relu_neuron_is_one_more_flat_direction():
    net = ep.two_layer(1, 2, std=1.0, seed=2)
    plan = ep.plan.embed(net, 3)
    more = plan + Plan((Scale(0, 0, 1.3), Scale(0, 1, 0.8), Scale(0, 2, 1.1)))
    assert ep.embedding.critical_directions(net, plan).shape[1] == 1
    assert ep.embedding.critical_directions(net, more).shape[1] == 1 + 3


def test_a_homogeneous_split_keeps_the_whole_gradient_trajectory():
    # (w, b, c) into (s_i w, s_i b, s_i c) with Σ s_i² = 1: a split by s_i², then a scaling by s_i.
    x, y = ep.data.relu_teacher()
    net = ep.two_layer(1, 2, std=0.5, seed=5)
    s = torch.tensor([0.6, 0.8], dtype=torch.float64)
    wide = ep.split(net, neuron=1, fractions=(s**2).tolist())
    wide = ep.embedding.scale(ep.embedding.scale(wide, s[0].item(), neuron=1), s[1].item(), neuron=2)
    for model in (net, wide):
        optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(300):
            optimiser.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimiser.step()
    assert (net(x) - wide(x)).abs().max() < 1e-13
    torch.testing.assert_close(wide[0].weight[1] / s[0], wide[0].weight[2] / s[1], rtol=1e-12, atol=0)


def test_state_dict_round_trip_into_plain_pytorch(deep):
    wide = ep.embed(deep, [4, 6], seed=1)
    buffer = io.BytesIO()
    torch.save(wide.state_dict(), buffer)
    buffer.seek(0)
    plain = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    plain.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(plain(x_of(deep)), wide(x_of(deep)))


def test_a_readers_own_network_needs_no_class_of_ours():
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 20)[:, None]
    mine = nn.Sequential(nn.Linear(1, 4), nn.GELU(), nn.Linear(4, 1))  # float32, as PyTorch makes it
    optimiser = torch.optim.Adam(mine.parameters(), lr=0.01)
    for _ in range(50):
        optimiser.zero_grad()
        nn.functional.mse_loss(mine(x), x**2).backward()
        optimiser.step()
    wide = ep.split(mine, neuron=2, alpha=0.4)
    assert wide[0].weight.dtype == torch.float32
    torch.testing.assert_close(wide(x), mine(x), rtol=1e-5, atol=1e-6)
    optimiser = torch.optim.Adam(wide.parameters(), lr=0.01)  # and it trains on
    before = nn.functional.mse_loss(wide(x), x**2).item()
    for _ in range(50):
        optimiser.zero_grad()
        nn.functional.mse_loss(wide(x), x**2).backward()
        optimiser.step()
    assert nn.functional.mse_loss(wide(x), x**2).item() < before
    for kind in (
        ep.add_null(mine),
        ep.embed(mine, 6),
        ep.embedding.three_fold(mine),
        ep.embedding.random_compatible(mine, 6),
    ):
        torch.testing.assert_close(kind(x), mine(x), rtol=1e-4, atol=1e-5)


def test_a_drawn_plan_with_null_neurons_is_never_refused():
    """The projections leave rounding where they should leave nothing; it is no coefficient."""
    for seed in range(100, 130):
        narrow = nn.Sequential(
            *ep.two_layer(2, 3, outputs=3, std=1.0, seed=seed), nn.ReLU(), nn.Linear(3, 2).double()
        )
        wide = ep.plan.random_compatible(narrow, [6, 7], nulls=True, seed=seed)(narrow)
        x = torch.randn(5, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        assert torch.allclose(wide(x), narrow(x), atol=1e-9)
