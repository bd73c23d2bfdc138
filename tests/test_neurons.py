"""Orientations, amplitudes and effective neurons against closed forms."""

import math

import pytest
import torch
from torch import nn

import epbook as ep


def net(rows, out, activation=None):
    rows, out = (torch.tensor(values, dtype=torch.float64) for values in (rows, out))
    return ep.sequential([(rows[:, :-1], rows[:, -1], activation or nn.ReLU()), (out, None, None)])


def test_features_give_back_a_relu_net():
    model = ep.two_layer(3, 7, outputs=2, std=1.0, seed=1)
    found = ep.features(model)
    x = torch.randn(11, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    tilted = torch.cat([x, torch.ones(11, 1, dtype=torch.float64)], dim=1)
    assert torch.allclose(torch.relu(tilted @ found.orientation.T) @ found.amplitude, model(x), atol=1e-14)


def test_angle_lies_in_the_half_open_circle():
    found = ep.features(net([[-2.0, 0.0], [0.0, -1.0], [-1.0, -0.0]], [[1.0, 1.0, 1.0]]))
    assert found.angle.tolist() == [-math.pi, -math.pi / 2, -math.pi]


def test_angle_needs_one_input():
    with pytest.raises(ValueError, match="one input, not 3"):
        _ = ep.features(ep.two_layer(3, 2)).angle


def test_a_neuron_without_input_has_no_direction():
    found = ep.features(net([[0.0, 0.0]], [[3.0]]))
    assert found.orientation.tolist() == [[0.0, 0.0]]
    assert ep.effective_neurons(net([[0.0, 0.0]], [[3.0]])).amplitude.shape == (0, 1)


def test_equal_orientations_are_one_neuron():
    split = net([[1.0, 1.0], [3.0, 3.0], [-1.0, 0.0], [1e-6, 0.0]], [[1.0, -0.5, 2.0, 1.0]])
    found = ep.effective_neurons(split)
    assert found.angle.tolist() == [-math.pi, pytest.approx(math.pi / 4)]
    assert found.amplitude[:, 0].tolist() == [2.0, pytest.approx(math.sqrt(2) - 1.5 * math.sqrt(2))]


def test_a_split_has_the_effective_neurons_of_its_source():
    source = ep.two_layer(1, 3, std=1.0, seed=4)
    wide = ep.split(ep.split(source, layer=0, neuron=1, alpha=0.3), layer=0, neuron=0, alpha=-0.4)
    one, other = ep.effective_neurons(source, angle=1e-6), ep.effective_neurons(wide, angle=1e-6)
    assert torch.allclose(one.orientation, other.orientation, atol=1e-12)
    assert torch.allclose(one.amplitude, other.amplitude, atol=1e-12)


def test_nothing_is_lost_among_the_groups():
    model = ep.two_layer(2, 40, outputs=3, std=1.0, seed=7)
    merged = ep.effective_neurons(model, angle=0.5, amplitude=0.0)
    assert torch.allclose(merged.amplitude.sum(dim=0), ep.features(model).amplitude.sum(dim=0), atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"angle": -0.1}, "got -0.1"), ({"angle": 2.0}, "got 2.0"), ({"amplitude": 1.0}, "got 1.0")],
)
def test_bad_thresholds(options, message):
    with pytest.raises(ValueError, match=message):
        ep.effective_neurons(ep.two_layer(1, 3), **options)


def test_deeper_nets_are_refused():
    deep = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    with pytest.raises(ValueError, match="this network has 3"):
        ep.features(deep)
