"""Plans: what they print, that they rebuild to the last bit, and that `ep.split` does what its plan says."""

import inspect

import numpy as np
import pytest
import torch
from embedding_cases import KINDS, random_net, random_step
from torch import nn

import epbook as ep
from epbook.embedding import Compatible, Null, Permute, Plan, Scale
from epbook.results import equal

CALLS = {
    "split": {"neuron": 1, "alpha": 0.3},
    "add_null": {"bias": 0.25},
    "embed": {"widths": [4, 5], "seed": 3},
    "three_fold": {},
    "permute": {"order": [2, 0, 1], "layer": 1},
    "scale": {"factor": -1, "neuron": 1},
    "compatible": {
        "maps": [[0, 1, 1], [0, 1, 2]],
        "alphas": [np.ones((3, 2)), [[1, 0.3, 0.7]] * 3, [[1] * 3]],
    },
    "random_compatible": {"widths": [4, 5], "nulls": True, "seed": 2},
}


@pytest.fixture
def net():
    draw = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    sizes = ((2, 2, nn.Tanh()), (3, 2, nn.Tanh()), (1, 3, None))
    return ep.sequential([(normal(out, into), normal(out), act) for out, into, act in sizes])


@pytest.mark.parametrize("name", CALLS)
def test_a_network_is_what_its_plan_makes_of_it(net, name):
    make, apply = getattr(ep.plan, name), getattr(ep.embedding, name)
    plan = make(net, **CALLS[name])
    assert isinstance(plan, Plan)
    assert equal(plan(net), apply(net, **CALLS[name]))
    theirs, ours = (inspect.signature(function).parameters for function in (make, apply))
    assert list(theirs.values()) == list(ours.values())


@pytest.mark.parametrize("name", CALLS)
def test_the_repr_of_a_plan_is_python_that_builds_it_to_the_last_bit(net, name):
    plan = getattr(ep.plan, name)(net, **CALLS[name])
    again = eval(repr(plan), vars(ep.plan))
    assert again == plan
    assert equal(again(net), plan(net))


def test_random_plans_rebuild_from_their_repr():
    rng = np.random.default_rng(2)
    for case in range(80):
        net = random_net(rng, 2 + case % 3, 1 + case % 2, nn.Tanh)
        plan = random_step(KINDS[case % len(KINDS)], net, rng)
        if plan is not None:
            again = eval(repr(plan), vars(ep.plan))
            assert again == plan
            assert equal(again(net), plan(net))


def test_plans_compare_by_value(net):
    one, other = (ep.plan.random_compatible(net, [4, 5], seed=seed) for seed in (0, 1))
    assert one == ep.plan.random_compatible(net, [4, 5], seed=0)
    assert one != other
    assert ep.plan.split(net, alpha=0.3) != ep.plan.split(net, alpha=0.2)
    assert Plan() != one


def test_a_plan_prints_replays_and_composes(net):
    first = ep.plan.embed(net, [2, 5], seed=4)
    second = Plan((Permute(1, (4, 3, 2, 1, 0)), Scale(0, 1, -1.0), Null(0, 0.25)))
    both = first + second
    assert str(both).count("\n") == len(both) - 1
    assert "reorder layer 1" in str(both)
    assert equal(both(net), second(first(net)))
    assert "layer 1 copies" in str(ep.plan.random_compatible(net, [3, 4]))
    with pytest.raises(TypeError, match="holds embedding steps"):
        Plan((3,))
    assert str(Plan()) == "nothing to do"
    assert equal(Plan()(net), net)


def test_a_plan_is_refused_where_its_network_refuses_it(net):
    with pytest.raises(ValueError, match=r"hidden layer .0 to 1., got 2"):
        ep.plan.split(net, layer=2)
    with pytest.raises(ValueError, match=r"sum to 0\.5, must be 1"):
        ep.plan.compatible(net, [[0, 1], [0, 1, 2]], [np.ones((2, 2)), [[1, 0.5]] * 3, [[1] * 3]])


def test_a_step_keeps_coefficients_of_its_own():
    given = torch.ones(2, 1)
    step = Compatible([[0, 0]], [given, [[0.4, 0.6]]])
    given[0] = 7.0
    assert step.alphas[0].tolist() == [[1.0], [1.0]]
    assert {alpha.dtype for alpha in step.alphas} == {torch.float64}
