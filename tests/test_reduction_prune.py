"""Pruning as a fair peer: what is left out, and what a refit makes up for."""

import pytest
import torch
from torch import nn

from epbook.embedding import embed
from epbook.networks import two_layer
from epbook.reduction import groups, keep_only, magnitude_prune, reduce, refit, sweep_similarity

X = torch.randn(60, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def net():
    return two_layer(4, 9, outputs=3, std=1.0, seed=2)


def test_what_is_left_does_what_it_did(net):
    small = keep_only(net, [7, 2, 5])
    without = net[2].weight.detach().clone()
    without[:, [0, 1, 3, 4, 6, 8]] = 0
    wanted = torch.relu(net[0](X)) @ without.T
    assert torch.allclose(small(X), wanted, atol=1e-14)
    assert torch.equal(small[0].weight, net[0].weight[[2, 5, 7]])


def test_magnitude_pruning_keeps_the_largest_input_weights(net):
    small = magnitude_prune(net, 4)
    largest = net[0].weight.norm(dim=1).topk(4).values.sort().values
    assert torch.allclose(small[0].weight.norm(dim=1).sort().values, largest)


def test_a_refit_leaves_nothing_that_the_neurons_left_could_do(net):
    small = keep_only(net, range(5))
    fitted = refit(small, net, X)
    missing = net(X) - fitted(X)
    assert (torch.relu(small[0](X)).T @ missing).abs().max() < 1e-10 * missing.norm()
    assert missing.norm() < 0.9 * (net(X) - small(X)).norm()
    assert torch.equal(fitted[0].weight, small[0].weight)


def test_one_of_each_group_of_copies_is_enough_after_the_refit(net):
    wide = embed(net, [20], seed=1)
    found = groups(wide, similarity=1.0)
    small = keep_only(wide, [group[0] for group in found.members])
    assert (small(X) - net(X)).abs().max() > 0.1
    assert (refit(small, wide, X)(X) - net(X)).abs().max() < 1e-10


def test_a_deep_network_is_refitted_where_it_was_cut():
    deep = nn.Sequential(
        nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)
    ).double()  # fmt: skip
    small = keep_only(deep, [0, 3], layer=1)
    fitted = refit(small, deep, X, layer=1)
    assert [fitted[k].out_features for k in (0, 2, 4)] == [6, 2, 2]
    assert (fitted(X) - deep(X)).norm() < (small(X) - deep(X)).norm()
    with pytest.raises(ValueError, match="the networks differ after layer 0"):
        refit(small, deep, X)


def test_a_sweep_gives_pruning_the_same_refit_as_reduction(net):
    wide = embed(net, [20], seed=1)
    told = wide(X).argmax(dim=1)
    [cut] = sweep_similarity(wide, X, wide(X), thresholds=[1.0], x_test=X, y_test=told)
    assert {small[0].out_features for small in cut.networks.values()} == {9}
    assert cut.agreement["one of each, refitted"] == cut.agreement["least-squares"] == 1
    again = refit(cut.networks["pruning"], wide, X)
    assert torch.equal(cut.networks["pruning, refitted"][2].weight, again[2].weight)
    assert torch.equal(reduce(wide, X, similarity=1.0)[0][0].weight, cut.networks["mean"][0].weight)


@pytest.mark.parametrize(
    ("neurons", "said"),
    [([], "neurons is empty"), ([1, 1], "neurons repeats"), ([9], "neurons must name some of the 9")],
)
def test_neurons_that_are_not_there_are_refused(net, neurons, said):
    with pytest.raises(ValueError, match=said):
        keep_only(net, neurons)
