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


def test_a_layer_of_a_deeper_net_gives_what_the_next_one_receives():
    deep = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)).double()
    found = ep.features(deep, layer=1)
    received = deep[:2](torch.randn(7, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    tilted = torch.cat([received, torch.ones(7, 1, dtype=torch.float64)], dim=1)
    rebuilt = torch.relu(tilted @ found.orientation.T) @ found.amplitude + deep[4].bias
    assert torch.allclose(rebuilt, deep[2:](received), atol=1e-14)
    assert len(ep.effective_neurons(deep, layer=1)) <= 5
    with pytest.raises(ValueError, match=r"hidden layer \(0 to 1\), got 2"):
        ep.features(deep, layer=2)


def test_neurons_without_bias_point_along_the_axis():
    found = ep.features(
        ep.sequential([(torch.tensor([[2.0], [-3.0]]), None, nn.ReLU()), (torch.ones(1, 2), None, None)])
    )
    assert found.angle.tolist() == [0.0, -math.pi]


def test_parallel_neurons_of_tanh_are_not_one():
    """tanh(2z) is no multiple of tanh(z), so equal orientations say nothing there."""
    with pytest.raises(ValueError, match=r"got Tanh\(\): see ep.reduction.groups"):
        ep.effective_neurons(net([[1.0, 1.0], [2.0, 2.0]], [[1.0, 1.0]], nn.Tanh()))


def test_opposite_neurons_of_an_odd_activation_are_one():
    linear = net([[1.0, 1.0], [-2.0, -2.0]], [[1.0, 1.0]], nn.Identity())
    assert ep.effective_neurons(linear).amplitude.flatten().tolist() == [pytest.approx(-math.sqrt(2))]


def test_within_a_group_no_angle_is_larger_than_asked_for():
    """Of three neurons 0.04 apart the outer two are 0.08 apart, however loud the one between them is."""
    angles = torch.tensor([0.0, 0.04, 0.08], dtype=torch.float64)
    rows = torch.stack([angles.cos(), angles.sin()], dim=1)
    fan = net(rows.tolist(), [[1.0, 5.0, 1.0]])
    assert len(ep.effective_neurons(fan, angle=0.05)) == 2
    assert len(ep.effective_neurons(fan, angle=0.081)) == 1


def test_the_loudest_neuron_comes_first_and_the_quiet_ones_go():
    fan = net([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [[1.0, -3.0, 0.02]])
    assert ep.effective_neurons(fan).amplitude.flatten().tolist() == [-3.0, 1.0]
    assert ep.effective_neurons(fan, amplitude=0.0).amplitude.flatten().tolist() == [-3.0, 1.0, 0.02]


def test_neurons_that_cancel_are_none():
    cancelling = net([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]], [[2.0, -1.0, 1.0]])
    assert ep.effective_neurons(cancelling, amplitude=0.0).amplitude.tolist() == [[1.0]]


def test_a_silent_neuron_takes_no_part():
    """Alone, the two that are heard are one group; the silent one is closer to the first, and not heard."""
    angles = torch.tensor([-0.03, 0.0, 0.04], dtype=torch.float64)
    fan = net(torch.stack([angles.cos(), angles.sin()], dim=1).tolist(), [[0.0, 1.0, 1.0]])
    assert ep.effective_neurons(fan, angle=0.05).amplitude.flatten().tolist() == [pytest.approx(2.0)]


def test_orientations_do_not_overflow():
    found = ep.features(net([[3e-200, 4e-200], [3e200, 4e200]], [[1e200, 1e-200]]))
    assert torch.allclose(found.orientation, torch.tensor([[0.6, 0.8], [0.6, 0.8]], dtype=torch.float64))
    assert found.amplitude.flatten().tolist() == pytest.approx([5.0, 5.0])


def test_neurons_compare_by_value():
    assert ep.features(ep.two_layer(1, 3)) == ep.features(ep.two_layer(1, 3))
    assert ep.features(ep.two_layer(1, 3)) != ep.features(ep.two_layer(1, 3, activation=nn.Tanh))


def test_signs_turn_only_where_the_activation_is_odd():
    for activation, expected in ((nn.Tanh(), [1.0, -1.0]), (nn.ReLU(), [1.0, 1.0])):
        found = ep.features(net([[1.0, 0.5], [-1.0, -0.5]], [[1.0, 1.0]], activation))
        assert found.sign(0, [0, 1]).tolist() == expected
