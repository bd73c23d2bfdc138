"""Growing along the law: the direction is the Hessian's own, what is kept is kept, what is refused is."""

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.critical.problem import Problem
from epbook.given import read
from epbook.growing.steepest import Neurons, Turn, turned
from epbook.growing.ways import WAYS, Ground

X, Y = ep.data.tanh_teacher()
START = ep.two_layer(1, 1, activation=nn.Tanh, std=1.0)


def several_outputs(seed=0, inputs=3):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(20, inputs, generator=draw, dtype=torch.float64)
    y = torch.randn(20, 2, generator=draw, dtype=torch.float64)
    return ep.two_layer(inputs, 3, outputs=2, activation=nn.Tanh, std=0.7, seed=seed, output_bias=True), x, y


def risk(found, problem):
    output = problem.x
    for layer in found:
        output = layer(output)
    return problem.loss(output, problem.y).item()


@pytest.mark.parametrize("along", ["Q", "S"])
@pytest.mark.parametrize("which", ["SA", "LA"])
def test_the_loss_falls_as_the_eigenvalue_says(along, which):
    if (along, which) == ("Q", "LA"):
        return  # shares other than halves are for S alone
    problem = Problem(read(*several_outputs()))
    found = problem.layers(problem.start)
    for neuron in range(3):
        turn = Neurons(problem, 0).turn(neuron, along, which=which)
        e = 1e-3
        values = [risk(turned(found, 0, [turn], step), problem) for step in (-e, 0.0, e)]
        curvature = (values[0] - 2 * values[1] + values[2]) / e**2
        assert curvature == pytest.approx(turn.value, rel=1e-3, abs=1e-6)
        # Nothing is felt to first order: the sum of the outgoing weights and the mean of the incoming stay.
        assert abs(values[2] - values[0]) < 1e-3 * e
        a = turn.alpha
        size = (a**2 + (1 - a) ** 2) * turn.xi.square().sum() + 2 * turn.eta.square().sum()
        assert size.item() == pytest.approx(1)


def test_the_steepest_split_is_the_least_eigenvalue_that_the_law_adds():
    net, x, y = several_outputs()
    values = []
    for neuron in range(3):
        law = ep.split_law(net, x, y, neuron=neuron)
        units = Problem(read(net, x, y))
        w = torch.from_numpy(units.units)  # of each parameter: the matrices are measured in them
        into = torch.cat([w[neuron * 3 : neuron * 3 + 3], w[9 + neuron : 10 + neuron]])
        out = w[12 + neuron : 18 : 3]
        S = law.S * torch.outer(into, into) / units.loss_unit
        M = law.M * torch.outer(out, into) / units.loss_unit
        Q = torch.cat([torch.cat([S / 2, M.T], 1), torch.cat([M, M.new_zeros(2, 2)], 1)], 0)
        values.append(torch.linalg.eigvalsh(Q)[0].item())
    turn = ep.growing.steepest_split(net, x, y)
    assert turn.neuron == int(np.argmin(values))
    assert turn.value == pytest.approx(min(values), rel=1e-9)
    assert ep.growing.steepest_split(net, x, y, along="S").value > turn.value


def test_lanczos_finds_what_the_dense_matrix_has():
    net, x, y = several_outputs(inputs=60)
    seen = Neurons(Problem(read(net, x, y)), 0)
    for along, size in (("Q", 63), ("S", 61)):
        dense = np.linalg.eigvalsh(seen.operator(1, along) @ np.eye(size))
        assert seen.extreme(1, along)[0] == pytest.approx(dense[0], rel=1e-6)
        assert seen.extreme(1, along, which="LA")[0] == pytest.approx(dense[-1], rel=1e-6)


def test_along_the_law_the_teacher_of_three_is_grown_exactly_and_copies_with_noise_do_worse():
    starts = [ep.two_layer(1, 1, activation=nn.Tanh, std=1.0, seed=seed) for seed in range(6)]
    ends = {
        by: [ep.grow(net, X, Y, width=3, by=by, enough=1e-12, seed=seed) for seed, net in enumerate(starts)]
        for by in ("S", "random")
    }
    assert [grown.status for grown in ends["S"]] == ["exact"] * 6
    assert sum(grown.status == "exact" for grown in ends["random"]) < 6
    grown = ends["S"][0]
    assert [stage.width for stage in grown.stages] == [1, 2, 3]
    assert all(stage.eigenvalue < 0 and len(stage.neurons) == 1 for stage in grown.stages[1:])
    loss = ((grown.net(X) - Y) ** 2).mean().item()
    assert loss == pytest.approx(grown.loss, abs=1e-14)


@pytest.mark.parametrize("by", WAYS)
def test_every_way_widens_by_what_was_asked_and_starts_where_the_narrow_one_ended(by):
    net, x, y = several_outputs()
    ground = Ground(net, x, y, nn.functional.mse_loss, 0, (0, 1))
    before = nn.functional.mse_loss(net(x), y).item()
    for new in (1, 3):
        grown = WAYS[by](ground, new)
        assert grown.net[0].out_features == 3 + new or by in ("Q", "S", "signed", "look-ahead")
        after = nn.functional.mse_loss(grown.net(x), y).item()
        if by in ("gradient", "random"):
            assert after == pytest.approx(before, rel=1e-12)
        elif by == "copy":
            assert after == pytest.approx(before, rel=0.2)
            assert after != pytest.approx(before, rel=1e-12)
        else:
            assert after < before


def test_a_new_neuron_of_the_largest_gradient_has_a_larger_one_than_the_first():
    net, x, y = several_outputs()
    gains = {}
    for by in ("gradient", "random"):
        wide = WAYS[by](Ground(net, x, y, nn.functional.mse_loss, 0, (0, 1)), 1).net
        nn.functional.mse_loss(wide(x), y).backward()
        gains[by] = wide[2].weight.grad[:, -1].norm().item()
    assert gains["gradient"] > gains["random"]


def test_units_of_the_data_do_not_change_what_is_grown():
    grown = ep.grow(START, X, Y, width=2)
    (W, b, s), (A, _, _) = ep.layers(START)
    other = ep.sequential([(W / 64, b, s), (A * 1024, None, None)])
    scaled = ep.grow(other, 64 * X, 1024 * Y, width=2)
    assert scaled.loss == pytest.approx(grown.loss * 1024**2, rel=1e-6)


def test_a_deep_float32_network_grows_in_its_second_layer_and_comes_back_as_it_came():
    net = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 2), nn.SiLU(), nn.Linear(2, 1))
    for part in net.parameters():
        part.data.normal_(generator=torch.Generator().manual_seed(part.numel()))
    before = [part.clone() for part in net.parameters()]
    grown = ep.grow(net, X / 15, Y / 3, width=[4], layer=1, optimiser="Adam", steps=[5, 7], lr=0.01)
    assert [type(part) for part in grown.net] == [type(part) for part in net]
    assert grown.net[2].out_features == 4
    assert grown.net[2].weight.dtype is torch.float32
    assert all(torch.equal(one, two) for one, two in zip(before, net.parameters(), strict=True))
    assert grown.stages[0].cost == 6 * 5  # five steps and the last loss, five hidden neurons


def test_what_is_drawn_depends_on_the_seed_alone():
    one, two, other = (ep.grow(START, X, Y, width=2, by="random", steps=5, seed=seed) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_growing_ends_where_no_eigenvalue_is_negative_and_where_the_loss_is_enough():
    linear = ep.sequential([(torch.ones(1, 1).double(), None, None), (torch.ones(1, 1).double(), None, None)])
    ended = ep.grow(linear, X, Y, width=2, by="S")
    assert (ended.status, len(ended.stages)) == ("no way down", 1)
    assert ep.grow(START, X, Y, width=3, enough=1.0).status == "exact"
    assert ep.grow(START, X, Y, width=2, steps=3).status == "width reached"


def test_a_diverged_training_says_so():
    grown = ep.grow(START, X, Y, width=2, optimiser="Adam", lr=1e308, steps=3)
    assert grown.status == "diverged"
    assert np.isnan(grown.loss)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 1}, "above the one before"),
        ({"width": [2, 5]}, "at most twice"),
        ({"width": []}, "empty"),
        ({"width": 2, "by": "magic"}, "by must be one of"),
        ({"width": 2, "steps": [1]}, "one for each of 2 widths"),
        ({"width": 2, "layer": 1}, "hidden layer"),
        ({"width": 2, "optimiser": "SGD"}, "optimiser must be"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ep.grow(START, X, Y, **options)


def test_parts_move_apart_about_what_was_there():
    net = several_outputs()[0]
    found = ep.layers(net)
    turn = Turn(1, 0.5, -1.0, torch.ones(4).double(), torch.ones(2).double())
    wide = turned(found, 0, [turn], 0.2)
    assert torch.allclose(wide[0].weight[[1, 3]].mean(dim=0), found[0].weight[1])
    assert torch.allclose(wide[1].weight[:, [1, 3]].sum(dim=1), found[1].weight[:, 1])
    assert torch.allclose(wide[0].weight[3] - wide[0].weight[1], torch.full((3,), 0.2).double())
