"""The finder: known points, the float64 floor, statuses, bad input; and the collection."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import epbook as ep
from epbook.critical.collect import canonical, random_start
from epbook.results import DivergedError

TANH = ep.data.tanh_teacher()
RELU = ep.data.relu_teacher()


def cosine(seed=5, n=17):
    """A third data set, of size 1: noisy cosine."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-1, 1, n, dtype=torch.float64)[:, None]
    return x, torch.cos(3 * x) + 0.1 * torch.randn(n, 1, generator=generator, dtype=torch.float64)


DATA = {"tanh teacher": TANH, "relu teacher": RELU, "cosine": cosine()}


def width_one(w=0.12, b=0.05, a=3.5):
    """A tanh net of one neuron, by default near the width-1 minimum of the tanh data."""
    W, A = (torch.tensor([[value]], dtype=torch.float64) for value in (w, a))
    return ep.sequential([(W, torch.tensor([b], dtype=torch.float64), nn.Tanh()), (A, None, None)])


def gradient(net, x, y):
    pieces = torch.autograd.grad(nn.functional.mse_loss(net(x), y), list(net.parameters()))
    return torch.cat([piece.flatten() for piece in pieces])


def test_the_one_ulp_floor_is_what_a_change_of_one_ulp_does():
    x, y = TANH
    point = ep.find_critical(width_one(), x, y)
    theta = parameters_to_vector(point.model.parameters()).detach()
    worst = 0.0
    for k in range(len(theta)):
        moved = theta.clone()
        moved[k] += 1024 * float(np.spacing(theta[k].abs().item() or theta.abs().max().item()))
        net = ep.sequential(ep.layers(point.model))
        vector_to_parameters(moved, net.parameters())
        worst = max(worst, gradient(net, x, y).abs().sum().item() / 1024)
    assert worst == pytest.approx(point.floor, rel=0.05)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid])
def test_finite_points_are_at_the_floor(name, activation):
    x, y = DATA[name]
    finite = 0
    for width, number in itertools.product((1, 2, 3, 4), range(6)):
        net = random_start(width, x, y, activation=activation, seed=1, number=number)
        point = ep.find_critical(net, x, y)
        assert point.status in {"finite", "diverging", "saturated", "not converged"}
        assert point.reason
        if point.status == "finite":
            finite += 1
            size = gradient(point.model, x, y).abs().sum().item()
            assert size == pytest.approx(point.gradient_l1, rel=1e-9)
            assert size <= 10 * point.floor
            assert sum(point.inertia) + point.inertia.undecided == 3 * width
            assert point.loss == pytest.approx(nn.functional.mse_loss(point.model(x), y).item(), rel=1e-14)
        else:
            with pytest.raises(DivergedError, match=point.status):
                _ = point.inertia
    assert finite >= 1


def test_width_one_minimum_of_the_tanh_data():
    x, y = TANH
    point = ep.find_critical(width_one(), x, y)
    assert round(point.loss, 10) == 0.1090227421
    assert point.inertia == (0, 0, 3)


def test_saddles_are_kept_where_a_minimiser_leaves():
    """The width-1 minimum split evenly: a saddle with one flat direction, found again from nearby."""
    x, y = TANH
    narrow = ep.find_critical(width_one(), x, y).model
    wide = ep.split(narrow, layer=0, neuron=0, alpha=0.3)
    theta = parameters_to_vector(wide.parameters()).detach()
    vector_to_parameters(theta + 1e-4 * torch.arange(6) * theta, wide.parameters())
    point = ep.find_critical(wide, x, y)
    assert point.status == "finite"
    assert point.inertia == (1, 1, 4)
    assert point.inertia.known == 1
    assert point.loss == pytest.approx(0.10902274209, abs=1e-11)


def test_two_mirror_minima_of_width_two():
    x, y = TANH
    found = ep.critical.find_critical_points(2, x, y, starts=30)
    lowest = [point for point in found if point.loss < found.points[-1].loss + 1e-9]
    assert len(lowest) == 2
    first, second = lowest
    assert first.inertia == second.inertia == (0, 0, 6)
    torch.testing.assert_close(first.model(x), -second.model(-x), rtol=0, atol=1e-9)
    assert not torch.allclose(first.model(x), second.model(x), atol=1e-3)


@pytest.mark.parametrize("search", ["eigen", "minpack"])
def test_several_outputs(search):
    x, y = ep.data.iris()
    draw = torch.from_numpy(np.random.default_rng(330).normal(size=16))
    W, A = draw[:10].view(2, 5), draw[10:].view(3, 2)
    net = ep.sequential([(W[:, :4], W[:, 4], nn.Sigmoid()), (A, None, None)])
    point = ep.find_critical(net, x, y, search=search)
    assert point.status == "finite"
    assert point.gradient_l1 <= 1e-13
    assert point.inertia.negative > 0
    if search == "minpack":
        assert round(point.loss, 8) == 0.22238237
        assert point.inertia == (3, 0, 13)


def test_deeper_net_and_other_loss():
    """Targets for which a net of three layers is critical: from nearby, it is found again."""
    x = torch.linspace(-1, 1, 25, dtype=torch.float64)[:, None]
    net = ep.sequential(
        [
            (torch.tensor([[1.3]]).double(), torch.tensor([0.4]).double(), nn.Tanh()),
            (torch.tensor([[1.7]]).double(), torch.tensor([-0.6]).double(), nn.Tanh()),
            (torch.tensor([[0.8]]).double(), None, None),
        ]
    )
    y = ep.critical.critical_targets(net, x, seed=3)
    theta = parameters_to_vector(net.parameters()).detach()
    near = ep.sequential(ep.layers(net))
    vector_to_parameters(theta + 1e-5 * torch.arange(5), near.parameters())
    point = ep.find_critical(near, x, y, loss=lambda f, t: 0.5 * nn.functional.mse_loss(f, t))
    assert point.status == "finite"
    assert point.gradient_l1 <= 10 * point.floor
    assert (parameters_to_vector(point.model.parameters()) - theta).abs().max() < 1e-6


def test_start_is_left_alone():
    x, y = TANH
    net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0, seed=3)
    before = parameters_to_vector(net.parameters()).detach().clone()
    point = ep.find_critical(net, x, y)
    assert torch.equal(before, parameters_to_vector(net.parameters()).detach())
    assert point.model is not net


def test_relu_minimum_of_width_one_away_from_the_kinks():
    x, y = RELU
    net = ep.sequential(
        [
            (torch.tensor([[0.9]]).double(), torch.tensor([1.2]).double(), nn.ReLU()),
            (torch.tensor([[0.6]]).double(), None, None),
        ]
    )
    point = ep.find_critical(net, x, y)
    assert point.status == "finite"
    assert round(point.loss, 7) == 0.0273336
    assert point.inertia == (0, 1, 2)  # one zero: (w, b, a) → (tw, tb, a/t)


def test_relu_start_on_a_kink_is_refused():
    x, y = RELU
    with pytest.raises(ValueError, match="kink"):
        ep.find_critical(ep.two_layer(1, 1, std=0.0), x, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 0.0}, "tolerance must be positive and finite, got 0.0"),
        ({"steps": 0}, "steps must be .* got 0"),
        ({"search": "bfgs"}, "search must be one of .* got 'bfgs'"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ep.find_critical(ep.two_layer(1, 1, activation=nn.Tanh), *TANH, **options)


def test_null_directions_of_a_split_and_of_an_absent_neuron():
    x, y = TANH
    narrow = ep.find_critical(width_one(), x, y).model
    wide = ep.split(narrow, layer=0, neuron=0, alpha=0.3)
    H = ep.hessian(wide, x, y)
    N = ep.critical.null_directions(wide, H).numpy()
    assert N.shape == (6, 1)
    assert np.abs(np.abs(N[:, 0]) - np.sqrt(0.5) * np.array([0, 0, 0, 0, 1, 1])).max() < 1e-12
    pytest.importorskip("flint")
    certified = ep.inertia(H, null=N, certified=True, error=1e-13)
    assert certified == (1, 1, 4)
    assert certified.decided


def test_collection_rejects_no_starts():
    with pytest.raises(ValueError, match="starts must be"):
        ep.critical.find_critical_points(1, *TANH, starts=0)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Hardtanh])
def test_collection_starts_beside_the_kinks(activation):
    found = ep.critical.find_critical_points(1, *RELU, activation=activation, starts=6)
    assert sum(found.statuses.values()) == 6


def test_collection_with_labels():
    x, labels = torch.linspace(-1, 1, 8, dtype=torch.float64)[:, None], torch.tensor([0, 1, 0, 1, 1, 0, 1, 0])
    found = ep.critical.find_critical_points(1, x, labels, loss=nn.functional.cross_entropy, starts=4)
    assert sum(found.statuses.values()) == 4


def test_collections_compare_by_value():
    one, same, more = (ep.critical.find_critical_points(1, *TANH, starts=n) for n in (4, 4, 6))
    assert one == same
    assert one != more
    assert one.points[0] == same.points[0]


def test_targets_without_a_column_are_refused():
    x, y = TANH
    with pytest.raises(ValueError, match=r"use y\[:, None\]"):
        ep.critical.find_critical_points(1, x, y[:, 0], starts=1)


def test_same_point_up_to_permutation_and_sign():
    net = ep.two_layer(1, 3, activation=nn.Tanh, std=1.0, seed=4)
    (W, b, s), (A, _, _) = ep.layers(net)
    order, sign = [2, 0, 1], torch.tensor([1.0, -1.0, -1.0]).double()
    other = ep.sequential([(sign[:, None] * W[order], sign * b[order], s), (sign * A[:, order], None, None)])
    assert np.allclose(canonical(ep.layers(net), odd=True), canonical(ep.layers(other), odd=True))
    assert not np.allclose(canonical(ep.layers(net), odd=False), canonical(ep.layers(other), odd=False))
