"""Reading and building networks, and the facts of their activations."""

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep
from epbook.activations import KNOWN, activation_of
from epbook.activations.facts import _derivative
from epbook.results import equal


def test_parts_and_sequential_are_inverse():
    net = nn.Sequential(
        nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 4, bias=False), nn.Linear(4, 1), nn.Sigmoid()
    )
    net = net.double()
    copy = ep.sequential(ep.layers(net))
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(copy(x), net(x))
    with torch.no_grad():
        copy[0].weight.zero_()
    assert not torch.equal(copy(x), net(x))


@pytest.mark.parametrize(
    ("net", "error", "message"),
    [
        (nn.Linear(1, 1), TypeError, "got Linear"),
        (nn.Sequential(), TypeError, "empty"),
        (nn.Sequential(nn.ReLU(), nn.Linear(1, 1)), TypeError, r"start with a Linear, got ReLU"),
        (nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Tanh()), TypeError, "module 2, Tanh"),
        (nn.Sequential(nn.Linear(1, 2), nn.Softmax(dim=1)), TypeError, "softmax belongs into the loss"),
        (nn.Sequential(nn.Linear(1, 2), nn.Dropout(0.5), nn.Linear(2, 1)), TypeError, "module 1, Dropout"),
        (nn.Sequential(nn.Linear(1, 2), nn.PReLU(), nn.Linear(2, 1)), TypeError, "module 1, PReLU"),
        (nn.Sequential(nn.Linear(1, 2), nn.Conv1d(1, 1, 1)), TypeError, "module 1, Conv1d"),
        (nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(3, 1)), ValueError, "takes 3 inputs"),
    ],
)
def test_what_is_no_such_network(net, error, message):
    with pytest.raises(error, match=message):
        ep.layers(net)


def test_parts_that_do_not_fit():
    with pytest.raises(ValueError, match="layer 1 takes 3 inputs but layer 0 gives 2"):
        ep.sequential([(torch.ones(2, 1), None, nn.ReLU()), (torch.ones(1, 3), None, None)])
    with pytest.raises(ValueError, match=r"layer 0 has 2 outputs but a bias of shape \(3,\)"):
        ep.sequential([(torch.ones(2, 1), torch.ones(3), None)])


def test_two_layer_is_seeded_and_small():
    one, same, other = (ep.two_layer(1, 2000, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
    values = torch.nn.utils.parameters_to_vector(one.parameters()) * 2000**2
    assert abs(values.mean()) < 0.05
    assert abs(values.std() - 1) < 0.05


def test_a_whole_number_and_an_activation_may_be_said_in_any_way():
    expected = ep.two_layer(1, 3, activation=nn.Tanh)
    for width, activation in ((3.0, nn.Tanh()), (np.int64(3), "tanh"), (torch.tensor(3), lambda: nn.Tanh())):
        assert equal(ep.two_layer(1, width, activation=activation), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": 0, "width": 1}, "inputs must be a whole number of at least 1, got 0"),
        ({"inputs": 1, "width": 2.5}, "width .* got 2.5"),
        ({"inputs": 1, "width": 1, "outputs": -1}, "outputs .* got -1"),
        ({"inputs": 1, "width": 1, "std": float("nan")}, "std must be finite and not negative, got nan"),
    ],
)
def test_two_layer_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        ep.two_layer(**arguments)


@pytest.mark.parametrize("module", KNOWN, ids=lambda module: module.__name__)
def test_closed_forms_are_the_derivatives(module):
    z = torch.cat([torch.linspace(-4, 4, 81), torch.linspace(18, 24, 7)]).double() + 0.01
    facts = activation_of(module())
    first = _derivative(module())
    assert torch.equal(facts.value(z), module()(z))
    assert torch.allclose(facts.first(z), first(z), rtol=0, atol=1e-15)
    assert torch.allclose(facts.second(z), _derivative(first)(z), rtol=0, atol=1e-15)
    if facts.odd:
        assert torch.equal(facts.value(-z), -facts.value(z))
    if facts.degree is not None:
        assert torch.allclose(facts.value(3 * z), 3**facts.degree * facts.value(z))


def test_settings_of_an_activation_count():
    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    sharp = nn.Softplus(beta=5.0)
    assert torch.allclose(activation_of(sharp).first(z), torch.sigmoid(5 * z))
    assert activation_of(nn.LeakyReLU(0.1)).kinks == (0.0,)
    with pytest.raises(TypeError, match="activation module"):
        activation_of("tanh")
