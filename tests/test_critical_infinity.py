"""Starts whose search goes to infinity: no verdict may be "finite", and the way there is named."""

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.critical.classify import judge
from epbook.critical.infinity import merging_neurons, saturated_neuron, tails
from epbook.critical.problem import Problem
from epbook.critical.search import Point, Search
from epbook.given import read

TWO = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
LINE = torch.linspace(0, 3, 9, dtype=torch.float64)[:, None]


def net_of(W, b, a, activation):
    """One input, one output; lists of numbers."""
    W, b, a = (torch.tensor(part, dtype=torch.float64) for part in (W, b, a))
    return ep.sequential([(W[:, None], b, activation()), (a[None, :], None, None)])


@pytest.mark.parametrize("activation", [nn.Sigmoid, nn.Softplus])
def test_an_infimum_that_is_not_attained_is_no_critical_point(activation):
    """a σ(wx + b) through (0, 0) and (1, 1): the loss falls to 0 as b goes to −∞; only f = 0 is critical."""
    found = ep.critical.find_critical_points(1, TWO, TWO, activation=activation, starts=30)
    assert all(point.loss > 1e-3 for point in found)
    assert found.statuses["saturated"] + found.statuses.get("diverging", 0) >= 3


def test_cross_entropy_of_separable_data_has_no_minimum():
    """Where all derivatives are exactly zero in float64, H = 0 proves nothing."""
    x, labels = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]], dtype=torch.float64), torch.tensor([0, 0, 1, 1])
    net = ep.two_layer(1, 2, outputs=2, activation=nn.Tanh, std=1.0, seed=0, output_bias=True)
    with torch.no_grad():
        for part in net.parameters():
            part *= 100
    point = ep.find_critical(net, x, labels, loss=nn.functional.cross_entropy)
    assert point.status in {"saturated", "diverging"}
    assert point.signs is None


def test_a_far_parameter_is_named():
    """ReLU has neither tails nor merging neurons; cross-entropy then grows the output weights for ever."""
    x, labels = torch.tensor([[1.0], [2.0]], dtype=torch.float64), torch.tensor([1, 1])
    weights = torch.tensor([[-1e6], [1e6]], dtype=torch.float64)
    net = ep.sequential(
        [(torch.ones(1, 1).double(), torch.ones(1).double(), nn.ReLU()), (weights, None, None)]
    )
    point = ep.find_critical(net, x, labels, loss=nn.functional.cross_entropy)
    assert (point.status, point.signs) == ("diverging", None)
    assert "a parameter has grown to 1e+06" in point.reason


@pytest.mark.parametrize(
    ("seed", "x", "y"),
    [
        (7, LINE, torch.exp(-LINE)),
        (8, torch.linspace(-1, 1, 7).double()[:, None], torch.eye(7).double()[:, 3:4]),
    ],
)
def test_elu_has_a_tail_behind_its_kink(seed, x, y):
    net = ep.two_layer(1, 2, activation=nn.ELU, std=6.0, seed=seed)
    point = ep.find_critical(net, x, y, steps=150)
    # The second ends where both neurons are constant: w = 0, at any b.
    assert point.status in ({"saturated", "diverging"} if seed == 7 else {"saturated", "not converged"})


def test_tails():
    with_tail = (nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.SiLU(), nn.GELU(), nn.ELU(), nn.SELU())
    assert all(map(tails, with_tail))
    assert not any(map(tails, (nn.ReLU(), nn.LeakyReLU())))


def test_a_neuron_on_its_tail_is_named():
    y = torch.sin(LINE)
    point = ep.find_critical(net_of([0.7, 0.1], [-0.4, 40.0], [1.0, 0.5], nn.Tanh), LINE, y, steps=1)
    assert point.status == "saturated"
    assert "neuron 1 of layer 0 is flat on 9 of 9 samples" in point.reason


def test_a_neuron_that_is_about_to_be_absent_is_not_named_for_its_tail():
    """With output weight 0 it may be anywhere, far out too, and nothing grows because of it."""
    for weight, said in ((0.5, "neuron 1 of layer 0 is flat"), (1e-5, "")):
        given = read(net_of([0.7, 0.1], [-0.4, 40.0], [1.0, weight], nn.Tanh), LINE, torch.sin(LINE))
        problem = Problem(given)
        assert saturated_neuron(problem, problem.start).startswith(said)
        assert bool(saturated_neuron(problem, problem.start)) == bool(said)


def test_a_neuron_that_is_about_to_be_constant_is_not_named_for_its_tail():
    """With input weight 0 it may have any b, far out too: only its product with the output weight counts."""
    for weight, said in ((0.1, "neuron 1 of layer 0 is flat"), (1e-5, "")):
        given = read(net_of([0.7, weight], [-0.4, 40.0], [1.0, 0.5], nn.Tanh), LINE, torch.sin(LINE))
        problem = Problem(given)
        assert bool(saturated_neuron(problem, problem.start)) == bool(said)


def test_a_gradient_that_is_rounding_leads_nowhere():
    """On the way to a critical point ‖θ‖ may grow and ‖∇R‖ fall as well: only the end tells the two apart."""
    net, x, y = net_of([0.1, 0.7], [0.0, 0.3], [0.0, 0.0], nn.Tanh), LINE, torch.zeros_like(LINE)
    problem = Problem(read(net, x, y))
    grown = Search(Point(problem.evaluator, problem.start), [1.0, 2.0], [1.0, 1e-16])
    assert grown.leads_out
    assert judge(problem, grown.end, grown, 1.0, limit=0.0).status == "not converged"


def merging(t, v=0.5):
    """Two tanh neurons with output weights 1/2 ± t, input weights 1 ± v/2t, and data for t = ∞."""
    x = torch.linspace(-2, 2, 15, dtype=torch.float64)[:, None]
    y = torch.tanh(x) + v * x / torch.cosh(x) ** 2
    rough = y + 0.1 * torch.cos(3 * x)
    return net_of([1 + v / (2 * t), 1 - v / (2 * t)], [0.0, 0.0], [0.5 + t, 0.5 - t], nn.Tanh), x, rough


@pytest.mark.parametrize("t", [1e3, 1e4, 1e5])
def test_two_neurons_that_merge_are_named(t):
    point = ep.find_critical(*merging(t))
    assert point.status == "diverging"
    assert "neurons 0 and 1 of layer 0 merge" in point.reason


def test_faint_neurons_do_not_merge():
    """Two that are about to be absent have any input weights, those of one another among them."""
    faint, loud = (net_of([1.0, 1.001], [0.2, 0.2], [a, -a], nn.SiLU) for a in (1e-9, 30.0))
    assert merging_neurons(ep.layers(faint)) == ""
    assert "neurons 0 and 1 of layer 0 merge" in merging_neurons(ep.layers(loud))


def test_a_valley_of_the_gradient_is_followed_outward():
    """A tanh neuron that gets ever closer to a straight line: w → 0, a → ∞, and no other name fits."""
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    W = torch.tensor([[0.3]], dtype=torch.float64)
    net = ep.sequential([(W, None, nn.Tanh()), (3 / W, None, None)])
    point = ep.find_critical(net, x, 3 * x + 0.3 * x**3)
    assert point.status == "diverging"
    assert "along the softest direction" in point.reason


def test_the_loss_may_overflow():
    net = net_of([1.0], [0.0], [1e200], nn.Softplus)
    point = ep.find_critical(net, LINE, torch.sin(LINE))
    assert (point.status, point.reason) == ("diverging", "the loss or its derivatives overflow")
    assert np.isnan(point.floor)
