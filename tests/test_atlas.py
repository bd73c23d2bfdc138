"""The list of stations: finite and at infinity, cut, proved, with what every split adds."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.atlas import Station, beyond_linear, certify, edges, in_width, release, same, smallest
from epbook.atlas.starts import search_at_infinity
from epbook.results import DivergedError

X, Y = ep.data.relu_teacher()
ROWS = torch.cat([X, torch.ones_like(X)], dim=1)


@pytest.fixture(scope="module")
def atlas():
    return ep.atlas.survey(X, Y, starts=[12, 16], at_infinity=[16])


def finite(atlas):
    return [station for station in atlas.stations if not station.linear]


def infinite(atlas):
    return [station for station in atlas.stations if station.linear]


def test_a_station_is_its_function_with_its_loss_and_a_zero_gradient(atlas):
    assert len(finite(atlas)) >= 3
    assert len(infinite(atlas)) >= 2
    for station in atlas.stations:
        assert torch.allclose(station(X), station.outputs, atol=1e-12)
        assert np.isclose(((station.outputs - Y) ** 2).mean().item(), station.loss, rtol=1e-10)
        net = station.net or ep.sequential(
            [
                (torch.zeros(1, 1).double(), torch.zeros(1).double(), nn.Tanh()),
                (torch.zeros(1, 1).double(), None, None),
            ]
        )
        loss = beyond_linear(X) if station.linear else nn.functional.mse_loss
        if station.linear or station.net is not None:
            assert ep.gradient_l1(net, X, Y, loss=loss) < 1e-9


def test_at_infinity_the_rest_is_orthogonal_to_all_lines(atlas):
    for station in infinite(atlas):
        assert (ROWS.T @ (station.outputs - Y)).abs().max() < 1e-9


def test_the_loss_that_is_blind_for_lines_is_the_least_over_all_lines():
    f, lines = torch.sin(3 * X), torch.randn(200, 2, generator=torch.Generator().manual_seed(0)).double()
    blind = beyond_linear(X)(f, Y).item()
    s = ep.atlas.linear_part(X, Y - f)
    assert np.isclose(((f + ROWS @ s.T - Y) ** 2).mean().item(), blind, rtol=1e-12)
    assert all(((f + ROWS @ (s[0] + line)[:, None] - Y) ** 2).mean().item() > blind for line in lines)


def test_a_neuron_comes_back_from_infinity_with_the_slope_that_release_tells(atlas):
    for station in infinite(atlas):
        slope, told = station.slope[0], release(station, X, Y)
        tanh = station.outputs - ROWS @ station.slope.T

        def loss(tau, slope=slope, tanh=tanh):
            a = tau**-0.5
            return ((tanh[:, 0] + a * torch.tanh(ROWS @ slope / a) - Y[:, 0]) ** 2).mean().item()

        step = 1e-4 / max(1.0, float((ROWS @ slope).abs().max()) ** 2)
        assert np.isclose((loss(step) - station.loss) / step, told, rtol=2e-2, atol=1e-6)


def test_release_is_refused_at_finite_stations(atlas):
    with pytest.raises(ValueError, match="at infinity"):
        release(finite(atlas)[0], X, Y)


def test_no_station_is_listed_twice_and_each_is_irreducible(atlas):
    for k, one in enumerate(atlas.stations):
        assert not any(same(one, other, Y) for other in atlas.stations[k + 1 :])
        if one.net is not None:
            assert smallest(one.net, X, Y, linear=one.linear)[0].out_features == one.width
    assert len({station.name for station in atlas.stations}) == len(atlas)


def test_names_are_by_width_and_falling_loss_and_unknown_ones_are_refused(atlas):
    assert atlas["0"].width == 0
    assert not atlas["0"].linear
    losses = [station.loss for station in finite(atlas) if station.width == 2]
    assert losses == sorted(losses, reverse=True)
    with pytest.raises(KeyError, match="no station '9z'"):
        atlas["9z"]


def test_what_is_found_in_a_wider_network_is_cut_to_a_listed_station(atlas):
    for (width, linear), points in atlas.found.items():
        for point in points:
            small = smallest(point.model, X, Y, linear=linear)
            f = torch.zeros_like(Y) if small is None else small(X).detach()
            f = f + ROWS @ ep.atlas.linear_part(X, Y - f).T if linear else f
            assert any(
                s.linear == linear and s.width <= width and (s.outputs - f).norm() < 1e-5
                for s in atlas.stations
            )
    assert atlas.dropped == ()


def test_copies_with_turned_signs_and_silent_neurons_are_cut():
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0, seed=2)
    (W, b, tanh), (A, _, _) = ep.layers(net)
    wide = ep.sequential(
        [
            (torch.cat([W, -W[:1], torch.ones(1, 1)]), torch.cat([b, -b[:1], torch.ones(1)]), tanh),
            (torch.cat([A, torch.tensor([[0.7, 0.0]])], dim=1), None, None),
        ]
    )
    assert smallest(wide, X, Y)[0].out_features == 2
    assert smallest(ep.sequential([(W, b, tanh), (0 * A, None, None)]), X, Y) is None


def test_gentle_starts_find_what_wide_networks_meet_with_three_inputs():
    values = torch.tensor([-1.3, -0.4, 0.4, 1.3]).double()
    x = torch.cartesian_prod(values, values, values)
    y = torch.tanh(2 * x) @ torch.tensor([[1.0], [0.4], [0.16]]).double()
    _, loose = search_at_infinity(1, x, y, starts=12, seed=0)
    losses = sorted(beyond_linear(x)(net(x), y).item() for net in loose)
    line = beyond_linear(x)(0 * y, y).item()
    assert losses[0] < 0.2 * line  # one of the three tasks is learned beside the line
    atlas = ep.atlas.survey(x, y, starts=[1], at_infinity=[12])
    open_ended = [station for station in infinite(atlas) if station.inertia is None]
    assert open_ended  # w is free: four values of x leave an odd function two numbers
    assert all(station.hits > 1 for station in open_ended)


def test_every_split_adds_what_the_law_says(atlas):
    known = [station for station in atlas.stations if station.inertia is not None]
    found = edges(known, X, Y)
    assert len(found) == 3 * sum(station.width for station in known)
    assert all(edge.agrees for edge in found)
    isolated = {station.name: station.inertia for station in known}
    for edge in found:  # each S here has one eigenvalue of both signs
        added = tuple(a - b for a, b in zip(edge.counted, isolated[edge.station], strict=True))
        assert added == 3 * (len(edge.fractions) - 1,)
    wrong = dataclasses.replace(found[0], predicted=(9, 9, 9))
    assert not wrong.agrees


@pytest.mark.parametrize("width", [3, 5])
def test_the_inertia_in_a_wide_network_is_that_of_its_hessian(atlas, width):
    one = atlas["1a"]
    wide = ep.split(one.net, fractions=[1 / width] * width)
    assert tuple(in_width(one, width, X, Y)) == tuple(ep.inertia(ep.hessian(wide, X, Y)))
    zero = [(torch.zeros(width, 1).double(), torch.zeros(width).double(), nn.Tanh())]
    zero = ep.sequential([*zero, (torch.zeros(1, width).double(), None, None)])
    assert tuple(in_width(atlas["0"], width, X, Y)) == tuple(ep.inertia(ep.hessian(zero, X, Y)))
    assert in_width(atlas["0∞"], width, X, Y).negative == 0


def test_a_width_that_is_too_small_or_an_unknown_inertia_is_refused(atlas):
    with pytest.raises(ValueError, match="more than width=0"):
        in_width(atlas["0∞"], 0, X, Y)
    with pytest.raises(ValueError, match="not isolated"):
        in_width(dataclasses.replace(atlas["1a"], inertia=None), 3, X, Y)


def test_the_proof_agrees_with_the_search_and_with_automatic_differentiation(atlas):
    pytest.importorskip("flint")
    for station in (atlas["1a"], atlas["0∞"], min(finite(atlas), key=lambda s: s.loss)):
        proof = certify(station, X, Y)
        assert proof.signs == station.inertia
        assert proof.signs.certified
        low, high = proof.losses
        assert low <= high < low + 1e-6
        assert low - 1e-12 <= station.loss <= high + 1e-12


def test_what_is_no_critical_point_is_not_proved(atlas):
    pytest.importorskip("flint")
    (W, b, tanh), out = ep.layers(atlas["1a"].net)
    moved = ep.sequential([(W + 1e-5, b, tanh), out])
    with pytest.raises(DivergedError, match="no box"):
        certify(dataclasses.replace(atlas["1a"], net=moved), X, Y)
    with pytest.raises(ValueError, match="one output"):
        certify(atlas["1a"], X, torch.cat([Y, Y], dim=1))


def test_the_rows_hold_all_numbers_and_say_what_is_not_proved(atlas):
    pytest.importorskip("flint")
    loose = dataclasses.replace(atlas["1a"], inertia=None)
    first, line, unknown = ep.atlas.rows([atlas["1a"], atlas["0∞"], loose], X, Y)
    (w,), (b,), (a,) = first["w"], first["b"], first["a"]
    assert torch.allclose(a * torch.tanh(w[0] * X + b), atlas["1a"].outputs, atol=1e-12)
    assert torch.allclose(ROWS @ torch.tensor(line["slope"], dtype=torch.float64), atlas["0∞"].outputs[:, 0])
    assert line["release"] < 0
    assert unknown["inertia"] == "not proved"
    assert unknown["radius"] is None


def test_two_functions_of_one_loss_are_two_stations():
    one, other = (Station(name, 0, False, sign * Y, 0.1) for name, sign in (("a", 1), ("b", -1)))
    assert not same(one, other, Y)
    assert same(one, dataclasses.replace(one, loss=0.2), Y)


def test_the_diagram_has_one_level_for_each_station_and_moves_labels_apart(atlas):
    down = {station.name: 0 for station in atlas.stations}
    figure = ep.figures.atlas.levels(atlas.stations, down, 1, X, Y, X)
    names = [text.get_text() for text in figure.axes[0].texts]
    assert set(down) <= set(names)
    heights = ep.figures.atlas._apart([-1.0, -1.01, -3.0])
    assert heights[0] - heights[1] >= 0.15
    assert heights[2] == -3.0
