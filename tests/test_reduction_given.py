"""What readers bring to a reduction: number types, devices, labels, shapes; each read right or refused."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, huber_loss
from torch.nn.utils import prune
from torch.utils.data import DataLoader, TensorDataset

from epbook import reduction
from epbook.embedding import scale, split
from epbook.given import layers
from epbook.networks import sequential, two_layer
from epbook.reduction import (
    accuracy,
    agreement,
    agreement_matrix,
    amplitude,
    groups,
    magnitude_prune,
    reduce,
    similarity,
    sweep_similarity,
)
from epbook.results import equal

HALVES = [torch.float32, torch.float16, torch.bfloat16]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def classifier(width=8, *, depth=1, seed=1):
    first = two_layer(3, width, outputs=4, std=1.0, seed=seed)
    if depth == 1:
        return first
    return nn.Sequential(*first, nn.ReLU(), *two_layer(4, width, outputs=4, std=1.0, seed=seed + 1))


@pytest.mark.parametrize("number", HALVES)
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_a_copy_is_found_in_every_number_type(number, activation):
    """What a scaled copy and a sum are rounded to differs by more than float64's 1e-9."""
    for seed in range(10):
        wide = split(two_layer(3, 5, activation=activation, std=1.0, seed=seed), neuron=1, alpha=0.3)
        wide = (scale(wide, 3.0, neuron=5) if activation is nn.ReLU else wide).to(number)
        small, report = reduce(wide, similarity=1.0)
        assert (1, 5) in report.layers[0].groups.members
        assert small[0].out_features == 5
        assert {part.dtype for part in small.parameters()} == {number}


def test_float32_neurons_that_differ_are_kept_apart():
    net = two_layer(3, 5, std=1.0, seed=1).float()
    wide = split(net, neuron=1, alpha=0.3)
    wide[0].weight.data[5] *= torch.tensor([1.0001, 1.0, 1.0])
    assert len(groups(wide, similarity=1.0)) == 6


def test_measures_are_float64_whatever_comes_in():
    for number in HALVES:
        net = classifier().to(number)
        exact = net.to(number).double()
        again = classifier().to(number)
        assert similarity(again).dtype == amplitude(again).dtype == torch.float64
        assert torch.equal(similarity(again), similarity(exact))
        assert torch.equal(amplitude(again), amplitude(exact))


def test_data_of_another_number_type_numpy_and_gradients_are_read():
    net, x, y = classifier(), normal(20, 3).float().double(), normal(20, 4).float().double()
    small, report = reduce(net, x, y, similarity=0.7)
    others = [(x.float(), y.float()), (x.numpy(), y.numpy()), (x.clone().requires_grad_(), y)]
    assert all(equal(reduce(net, *data, similarity=0.7), (small, report)) for data in others)
    with torch.inference_mode():
        assert reduce(net, x, y, similarity=0.7)[1] == report


def test_the_small_network_comes_back_as_the_large_one_was():
    net = nn.Sequential(nn.Linear(2, 6), nn.ReLU(inplace=True), nn.Linear(6, 3)).requires_grad_(False).eval()
    for small in (reduce(net, similarity=0.5)[0], magnitude_prune(net, 3)):
        assert not small.training
        assert not any(part.requires_grad for part in small.parameters())
    assert torch.equal(net[0].weight, magnitude_prune(net, 6)[0].weight)


def test_a_network_without_numbers_is_refused():
    net, x = classifier().to("meta"), normal(5, 3).to("meta")
    for act in (reduce, groups, similarity, amplitude, lambda net: accuracy(net, x, x)):
        with pytest.raises(ValueError, match="meta device"):
            act(net)


@pytest.mark.parametrize("act", [reduce, groups, similarity, amplitude])
def test_a_network_that_its_weights_do_not_describe_is_refused(act):
    net = two_layer(2, 3)
    net[0].register_forward_hook(lambda module, given, output: 2 * output)
    with pytest.raises(TypeError, match="hooks"):
        act(net)


@pytest.mark.parametrize("loss", [nn.functional.mse_loss, huber_loss, nn.MSELoss(reduction="sum")])
def test_a_target_that_would_be_broadcast_is_refused(loss):
    net, x = two_layer(1, 3, std=1.0), normal(11, 1)
    with pytest.raises(ValueError, match=r"\(11, 1\).*y\[:, None\]"):
        reduce(net, x, x[:, 0], loss=loss)


def test_a_data_loader_is_refused_with_what_to_do():
    loader = DataLoader(TensorDataset(normal(4, 3), normal(4, 4)))
    with pytest.raises(TypeError, match="DataLoader: put its batches together first"):
        reduce(classifier(), loader)


def test_labels_are_as_good_as_one_hot():
    net, x = classifier(), normal(50, 3)
    labels = normal(50, 4, seed=2).argmax(dim=1)
    labels[:30] = net(x).argmax(dim=1)[:30]
    one_hot = nn.functional.one_hot(labels, 4)
    share = accuracy(net, x, labels)
    assert 0.6 <= share < 1
    assert share == accuracy(net, x, one_hot) == accuracy(net, x, one_hot.double())
    assert share == accuracy(net.float(), x.float().numpy(), labels.numpy())


def test_a_sweep_takes_labels_and_a_loss_of_labels():
    net, x, test = classifier(), normal(40, 3), normal(30, 3, seed=4)
    y, y_test = (net(data).argmax(dim=1) for data in (x, test))
    settings = {"thresholds": [0.6, 1.0], "x_test": test, "loss": cross_entropy}
    cuts = sweep_similarity(net, x, y, y_test=y_test, **settings)
    assert cuts == sweep_similarity(net, x, y, y_test=nn.functional.one_hot(y_test, 4), **settings)
    assert [cut.threshold for cut in cuts] == [0.6, 1.0]
    assert cuts[1].accuracy["mean"] == 1.0
    expected = cross_entropy(net(x), y).item()
    assert cuts[0].reports["mean"].loss_before == pytest.approx(expected)


def test_a_sweep_cuts_the_layer_asked_for():
    net, x = classifier(depth=2), normal(40, 3)
    y = net(x).detach()
    [cut] = sweep_similarity(net, x, y, thresholds=[0.3], x_test=x, y_test=y.argmax(1), layer=2)
    assert cut.width < 8
    for small in cut.networks.values():
        assert [layer.width for layer in layers(small)] == [8, 4, cut.width, 4]


def test_agreement_counts_pairs_of_predictions():
    eye = torch.eye(3)
    net = sequential([(eye, None, None)])
    turned = sequential([(eye.roll(1, dims=0), None, None)])
    x = torch.tensor([[1.0, 0, 0], [2.0, 0, 1.0], [0, 0, 1.0]])
    assert agreement_matrix(net, turned, x).tolist() == [[0, 2, 0], [0, 0, 0], [1, 0, 0]]
    assert agreement(net, turned, x) == 0
    assert agreement(net, net, x) == 1


@pytest.mark.parametrize(
    ("y", "named"),
    [
        (torch.zeros(5, 3), r"\(5, 3\)"),
        (torch.zeros(5), "float32"),
        (torch.zeros(5, 1).long(), r"\(5, 1\)"),
        (torch.tensor([0, 1, 2, 3, 4]), "label 4: .* classes 0 to 3"),
        (torch.tensor([0, 1, 2, 3, -1]), "label -1"),
        (torch.zeros(5).bool(), "bool"),
        (torch.full((5, 4), torch.nan), "nan"),
    ],
)
def test_targets_that_name_no_classes_are_refused(y, named):
    with pytest.raises(ValueError, match=named):
        accuracy(classifier(), normal(5, 3), y)


@pytest.mark.parametrize("compare", [agreement, agreement_matrix, lambda a, b, x: accuracy(b, x, x)])
def test_networks_that_predict_nothing_are_refused(compare):
    net, x = classifier(), normal(5, 3)
    bad = sequential([(torch.full((4, 3), torch.nan, dtype=torch.float64), None, None)])
    huge = sequential([(torch.full((4, 3), 1e308, dtype=torch.float64), None, None)])
    for other, data, named in (
        (bad, x, "not finite"),
        (huge, 10 * x.abs(), r"output for x\[0\] is not finite"),
        (net, x[:0], r"\(0, 3\)"),
        (two_layer(3, 2), x, "single output"),
    ):
        with pytest.raises(ValueError, match=named):
            compare(net, other, data)


def test_networks_of_other_classes_cannot_agree():
    with pytest.raises(ValueError, match="4 and 2 classes"):
        agreement(classifier(), two_layer(3, 2, outputs=2), normal(5, 3))


def test_pruning_keeps_the_largest_input_weights():
    net = classifier()
    size = net[0].weight.norm(dim=1)
    small = magnitude_prune(net.float(), np.int64(3))
    torchs = prune.ln_structured(copy.deepcopy(net[0]), "weight", amount=5, n=2, dim=0)
    stay = torchs.weight_mask[:, 0].nonzero()[:, 0]
    assert size[stay].min() > size.sort().values[4]
    assert torch.equal(small[0].weight, net[0].weight[stay])
    assert torch.equal(small[0].bias, net[0].bias[stay])
    assert torch.equal(small[2].weight, net[2].weight[:, stay])
    for width in (0, 9, 2.5, True):
        with pytest.raises(ValueError, match=f"1 to 8, got {width!r}"):
            magnitude_prune(net, width)


def test_results_compare_by_value():
    net, x = classifier(), normal(10, 3)
    first, second = reduce(net, x, similarity=0.7)[1], reduce(net, x, similarity=0.7)[1]
    assert first == second
    assert first != reduce(net, x, similarity=0.9)[1]
    assert first.layers[0] == second.layers[0]
    assert groups(net) == groups(net) != groups(net, similarity=0.5)
    assert {"Cut", "Groups", "LayerReport", "Report"} <= set(reduction.__all__)
