"""Wide runs against stations: distance by function, what dwells, how it leaves, how long it waits."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.atlas import Leaving, Station, amplitudes, explained, first_plateau, leaving, visits, wait

X, Y = ep.data.relu_teacher()
FIRST = first_plateau(X, Y)
ROWS = torch.cat([X, torch.ones_like(X)], dim=1)
MARKS = [20, 40, 80, 100, 130, 200, 300, 500, 800, 1200]


def station(name, outputs):
    return Station(name, 0, name.endswith("∞"), outputs, float(((outputs - Y) ** 2).mean()))


LINEAR = station("linear ∞", ROWS @ FIRST.slope[:, None])
ZERO = station("zero", torch.zeros_like(Y))


@pytest.fixture(scope="module")
def runs():
    keep = {"keep_at": [0, *MARKS]}
    return ep.train_many([50], 2, X, Y, steps=1200, lr=0.05, std=1e-4, activation="tanh", **keep)


@pytest.fixture(scope="module")
def seen(runs):
    return visits(runs, X, Y, stations=[ZERO, LINEAR])


def test_a_run_from_small_weights_stays_at_the_zero_function_and_then_at_the_linear_one(seen):
    for visit in seen:
        names = [name for name, _ in visit.stays()]
        assert names[0] == "zero"
        assert names[-1] == "linear ∞"
        assert visit.steps.tolist() == MARKS  # step 0 has no logarithm
    assert explained(seen, 0.1) > 0.9


def test_distance_is_that_of_functions_in_residuals_and_an_equal_loss_counts_for_nothing(runs):
    with torch.no_grad():
        f = runs.at(300, 50, 0)(X)
    own, mirrored = station("own", f), station("mirrored", 2 * Y - f)
    assert math.isclose(own.loss, mirrored.loss)
    [visit, _] = visits(runs, X, Y, stations=[mirrored, own])
    at = MARKS.index(300)
    assert visit.apart[at, 1] < 1e-12
    assert math.isclose(visit.apart[at, 0], 2.0)  # ‖2y − 2f‖ / ‖f − y‖
    assert visit.nearest[at] == 1


def test_without_a_station_its_time_is_not_explained(seen):
    with_all, without = explained(seen, 0.1), explained(seen, 0.1, among=lambda name: "∞" not in name)
    at_linear = sum(
        visit.log_time[part].sum() for visit in seen for name, part in visit.stays() if name == "linear ∞"
    )
    total = sum(visit.log_time[visit.dwells].sum() for visit in seen)
    assert math.isclose(with_all - without, at_linear / total)
    assert explained(seen, 0.1, among=lambda name: False) == 0
    assert explained(seen, 1e-9) == 0


def test_what_falls_or_is_fitted_does_not_dwell(runs, seen):
    for visit in seen:
        falling = np.flatnonzero(visit.pace > 0.05)
        assert len(falling)
        assert not visit.dwells[falling].any()
    for visit in visits(runs, X, Y, stations=[ZERO], above=0.1):  # the linear fit lies below
        assert visit.dwells[0]
        assert not visit.dwells[-1]
    with pytest.raises(ValueError, match="no run dwells"):
        explained(visits(runs, X, Y, stations=[ZERO], above=10.0), 0.1)


def test_log_time_is_the_log_of_the_steps_and_a_stay_ends_where_another_begins(seen):
    for visit in seen:
        within = np.log10(visit.steps)
        assert np.allclose(visit.log_time[1:-1], (within[2:] - within[:-2]) / 2, rtol=0.5)
        assert (visit.log_time > 0).all()
        for name, part in visit.stays(within=0.2):
            assert (np.diff(part) == 1).all()
            assert {visit.stations[k] for k in visit.nearest[part]} == {name}


def test_data_and_stations_that_do_not_fit_are_refused(runs):
    few = ep.train_many([3], 1, X, Y, steps=50, lr=0.05, activation="tanh", keep_at=[0, 20, 50])
    with pytest.raises(ValueError, match="kept 2 states"):
        visits(few, X, Y, stations=[ZERO])
    with pytest.raises(ValueError, match="not the data of these runs"):
        visits(runs, ROWS, Y, stations=[ZERO])
    with pytest.raises(ValueError, match="name each of its own"):
        visits(runs, X, Y, stations=[ZERO, ZERO])
    with pytest.raises(ValueError, match="one or more"):
        visits(runs, X, Y, stations=[])
    with pytest.raises(ValueError, match="build the atlas on the same"):
        visits(runs, X, Y, stations=[Station("short", 0, False, Y[:3], 0.0)])


@pytest.mark.filterwarnings("ignore::epbook.results.DivergenceWarning")
def test_a_net_that_diverged_is_left_out():
    runs = ep.train_many([3], 1, X, Y, steps=400, lr=1e9, std=1.0, activation="tanh", keep_at=[1])
    assert runs.diverged
    assert visits(runs, X, Y, stations=[ZERO]) == []


def kicked(net, direction):
    after = ep.two_layer(1, net[0].out_features, activation=nn.Tanh)
    theta = torch.nn.utils.parameters_to_vector(net.parameters()).detach()
    torch.nn.utils.vector_to_parameters(theta + 1e-3 * direction, after.parameters())
    return after


def test_a_way_along_one_eigenvector_is_found_in_it():
    net = ep.two_layer(1, 4, activation=nn.Tanh, std=0.6, seed=2)
    values, vectors = torch.linalg.eigh(ep.hessian(net, X, Y))
    for number in (0, 1, 11):
        way = leaving(net, X, Y, after=kicked(net, vectors[:, number]))
        assert way.parts[number] > 1 - 1e-9
        assert way.share == pytest.approx(float(values[number] < 0), abs=1e-9)
        assert way.half == number + 1
    assert way.chance == int((values < 0).sum()) / 12 == way.down / 12


def test_directions_that_carry_half_of_the_way_steepest_first_and_whichever():
    values, parts = np.array([-2.0, -1.9, -1.8, 1.0]), np.array([0.1, 0.2, 0.65, 0.05])
    way = Leaving(values, parts, np.ones(1), np.ones(1))
    assert (way.half, way.fewest) == (3, 1)
    even = Leaving(values, np.array([0.2, 0.25, 0.3, 0.25]), np.ones(1), np.ones(1))
    assert (even.half, even.fewest) == (3, 2)
    random = np.random.default_rng(0).normal(size=4000) ** 2
    random = Leaving(np.arange(4000.0), random / random.sum(), np.ones(1), np.ones(1))
    assert abs(random.fewest / 4000 - 1 / 8) < 0.01
    assert abs(random.half / 4000 - 1 / 2) < 0.05


def test_the_neuron_that_went_and_the_one_that_the_law_names():
    net = ep.two_layer(1, 5, activation=nn.Tanh, std=0.6, seed=4)
    law = [float(torch.linalg.eigvalsh(ep.split_law(net, X, Y, neuron=j).S)[0]) for j in range(5)]
    order = np.argsort(law)
    for place in range(5):
        direction = torch.zeros(15, dtype=torch.float64)
        direction[order[place]] = direction[10 + order[place]] = 1.0  # w and a of this neuron
        way = leaving(net, X, Y, after=kicked(net, direction))
        assert way.left == order[place]
        assert way.rank == place + 1
        assert way.named == order[0]
    assert way.steepness == pytest.approx(min(law) / way.eigenvalues[0])


def test_leaving_refuses_what_has_not_left_and_other_shapes():
    net = ep.two_layer(1, 3, activation=nn.Tanh, std=0.6)
    with pytest.raises(ValueError, match="nothing has left"):
        leaving(net, X, Y, after=net)
    with pytest.raises(ValueError, match="of one shape"):
        leaving(net, X, Y, after=ep.two_layer(1, 4, activation=nn.Tanh))


def linear_net(shares, incoming):
    """Neurons that make the linear fit together, in shares, with |(w, b)| = incoming, every other turned."""
    size = FIRST.slope.norm()
    signs = torch.tensor([(-1.0) ** j for j in range(len(shares))], dtype=torch.float64)
    hidden = incoming * signs[:, None] * FIRST.slope / size
    out = signs * torch.tensor(shares, dtype=torch.float64) * size / incoming
    return ep.sequential([(hidden[:, :1], hidden[:, 1], nn.Tanh()), (out[None], None, None)])


def test_each_neuron_of_the_linear_station_has_the_curvature_A_G():
    net = linear_net([0.5, 0.3, 0.2], incoming=1e-3)
    for neuron, amplitude in enumerate(amplitudes(net)):
        S = ep.split_law(net, X, Y, neuron=neuron).S
        assert (S - amplitude * FIRST.G).norm() < 1e-4 * S.norm()  # the rest is O(‖w‖²)
    assert float(amplitudes(net).sum()) == pytest.approx(float(FIRST.slope.norm()))
    assert pytest.approx(-float(torch.linalg.eigvalsh(FIRST.G)[0])) == FIRST.rate


def test_the_corner_of_the_bias_is_zero_so_that_a_way_down_is_always_there():
    for seed in range(5):
        x = torch.randn(12, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        first = first_plateau(x, torch.sin(2 * x[:, :1]) + x[:, 1:] ** 2)
        assert abs(first.G[-1, -1]) < 1e-12 * first.G.norm()
        assert first.rate > 0


def test_the_linear_fit_has_no_gradient_left_along_its_inputs():
    rest = ROWS @ FIRST.slope[:, None] - Y
    assert (ROWS.T @ rest).abs().max() < 1e-12
    assert pytest.approx(float((rest**2).mean())) == FIRST.loss


def test_wait_is_from_the_first_step_near_the_level_to_the_last():
    steps, losses = np.array([0, 10, 20, 30, 40]), np.array([2.0, 1.04, 1.0, 0.96, 0.5])
    assert wait(steps, losses, level=1.0) == 20
    assert wait(steps, losses, level=1.0, near=0.02) == 0
    assert wait(steps, losses, level=9.0) == 0
    with pytest.raises(ValueError, match="one length"):
        wait(steps, losses[1:], level=1.0)
    with pytest.raises(ValueError, match="level"):
        wait(steps, losses, level=0.0)


def test_the_wait_times_the_largest_amplitude_is_one_number_for_two_widths():
    found = {}
    for m, steps in ((30, 9000), (120, 14_000)):
        settings = {"lr": 0.05, "std": 1e-4, "activation": "tanh", "keep_at": [1000]}
        runs = ep.train_many([m], 3, X, Y, steps=steps, **settings)
        times = [wait(*runs.losses(m, seed), level=FIRST.loss) * 0.05 for seed in range(3)]
        largest = [float(amplitudes(runs.at(1000, m, seed)).max()) for seed in range(3)]
        found[m] = np.median(times), np.median(np.array(times) * largest) * FIRST.rate
    assert found[120][0] > 1.2 * found[30][0]
    assert abs(found[120][1] / found[30][1] - 1) < 0.15


def test_data_without_a_linear_part_and_several_outputs_are_refused():
    with pytest.raises(ValueError, match="zero"):
        first_plateau(X, X**2 - (X**2).mean())
    with pytest.raises(ValueError, match="one output"):
        first_plateau(X, torch.cat([Y, Y], dim=1))
    with pytest.raises(ValueError, match="one output"):
        amplitudes(ep.two_layer(1, 2, outputs=2))
