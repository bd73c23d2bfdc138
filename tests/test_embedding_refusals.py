"""What the embeddings refuse, and that each refusal names what is wrong."""

import numpy as np
import pytest
import torch
from embedding_cases import at_critical_point, flat, gradient, random_deep
from torch import nn

import epbook as ep


@pytest.fixture
def net():
    return ep.two_layer(2, 3, outputs=2, activation=nn.Tanh, std=1.0, seed=3, output_bias=True)


@pytest.fixture
def deep():
    return random_deep(bias=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n: ep.split(n, layer=1), "hidden layer .0 to 0., got 1"),
        (lambda n: ep.split(n, neuron=3), "0 to 2 in layer 0, got 3"),
        (lambda n: ep.split(n, neuron=-1), "got -1"),
        (lambda n: ep.split(n, alpha=float("nan")), "finite"),
        (lambda n: ep.split(n, fractions=[0.5, 0.4]), "sum to 0.9"),
        (lambda n: ep.split(n, fractions=[1.0]), "at least two"),
        (lambda n: ep.split(n, alpha=0.1, fractions=[0.5, 0.5]), "not both"),
        (lambda n: ep.add_null(n, layer=2), "got 2"),
        (lambda n: ep.add_null(n, bias=float("inf")), "finite number, got inf"),
        (lambda n: ep.embed(n, 2), "cannot be embedded into width 2"),
        (lambda n: ep.embed(n, [4, 4]), r"1 hidden layers"),
        (lambda n: ep.embed(n, 4, neurons=[[9]]), "0 to 2, got"),
        (lambda n: ep.embed(n, 5, fractions=[[0.2]]), r"\[2\] entries"),
        (lambda n: ep.embedding.permute(n, [0, 0, 1]), "once"),
        (lambda n: ep.embedding.scale(n, 2.0), "tanh is not homogeneous"),
        (lambda n: ep.embedding.scale(n, 0.0), "not be zero"),
        (lambda n: ep.embedding.random_compatible(n), "either widths or maps"),
        (lambda n: ep.embedding.random_compatible(n, 2), "cannot be embedded into width 2"),
        (lambda n: ep.embedding.random_compatible(n, maps=[[0, 1, 1]]), r"\[2\] of layer 0 have no copy"),
        (lambda n: ep.embedding.random_compatible(n, maps=[[0, 1, 5]]), "must hold 0 to 2"),
    ],
)
def test_bad_input_is_named(net, call, message):
    with pytest.raises(ValueError, match=message):
        call(net)


def test_a_null_neuron_is_refused_exactly_where_it_is_not_critical():
    rng = np.random.default_rng(0)
    for activation, bias, balanced in [
        (nn.Sigmoid, 0.0, False),
        (nn.Tanh, 0.5, False),
        (nn.ReLU, 0.5, False),
        (nn.Tanh, 0.0, True),
        (nn.ReLU, -0.5, True),
    ]:
        net = ep.two_layer(1, 2, activation=activation, std=1.0, seed=6)
        x, y = at_critical_point(net, rng)
        assert (net(x) - y).mean().abs() > 1e-4  # else even a constant output would be balanced, by luck
        # The wide point that the refusal speaks of, made by hand.
        hand = ep.sequential(
            [
                (
                    torch.cat([net[0].weight.detach(), torch.zeros(1, 1)]),
                    torch.cat([net[0].bias.detach(), torch.tensor([bias])]),
                    activation(),
                ),
                (torch.cat([net[2].weight.detach(), torch.zeros(1, 1)], dim=1), None, None),
            ]
        )
        critical = flat(gradient(hand, x, y)).abs().sum().item() < 1e-12
        assert critical == balanced
        if balanced:
            assert flat(gradient(ep.add_null(net, bias=bias), x, y)).abs().sum() < 1e-12
        else:
            with pytest.raises(ValueError, match="no bias that balances it"):
                ep.add_null(net, bias=bias)


def test_a_null_bias_needs_a_bias_to_live_in():
    with pytest.raises(ValueError, match="has no bias"):
        ep.add_null(random_deep(bias=False), layer=0, bias=0.1)


def test_compatible_names_the_neuron_whose_condition_fails(deep):
    step = ep.plan.random_compatible(deep, maps=[[0, 1, 1], [2, 0, 1, 1, 0]], seed=2).steps[0]
    spoiled = [alpha.clone() for alpha in step.alphas]
    spoiled[1][2, 0] += 0.25
    with pytest.raises(ValueError, match="neuron 2 over the copies"):
        ep.embedding.compatible(deep, step.maps, spoiled)
    # Moved along the row, the sum over copies is kept, the backward condition is not.
    first, second = (i for i, source in enumerate(step.maps[0]) if source == 1)
    spoiled = [alpha.clone() for alpha in step.alphas]
    spoiled[1][2, first] += 0.25
    spoiled[1][2, second] -= 0.25
    with pytest.raises(ValueError, match="Σ βα"):
        ep.embedding.compatible(deep, step.maps, spoiled)
    with pytest.raises(ValueError, match=r"one matrix per layer \(3\), got 2"):
        ep.embedding.compatible(deep, step.maps, step.alphas[:2])


def test_compatible_refuses_a_constant_that_no_bias_takes_up():
    deep = random_deep(bias=False, activation=nn.Sigmoid)
    plan = ep.plan.random_compatible(deep, [3, 4], seed=0)
    with pytest.raises(ValueError, match=r"null neuron .* is not critical"):
        ep.embedding.random_compatible(deep, maps=[[0, 1, -1], [0, 1, 2]], seed=0)
    assert plan(deep)[0].out_features == 3
