"""What reduce refuses, with the value; and the kind of network that it gives back."""

import pytest
import torch
from torch import nn

from epbook.networks import two_layer
from epbook.reduction import reduce


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"mode": "median"}, "median"),
        ({"mode": "least-squares"}, "give x"),
        ({"y": torch.zeros(3, 2)}, "without x"),
        ({"layers": 1}, "1"),
        ({"layers": [0, 7]}, "7"),
        ({"x": torch.zeros(4, 5, dtype=torch.float64)}, r"\(4, 5\)"),
        ({"x": torch.full((4, 3), torch.nan, dtype=torch.float64)}, "nan"),
        ({"x": torch.zeros(4, 3, dtype=torch.float64), "y": torch.zeros(3, 2)}, "3"),
        ({"similarity": 2.0}, "2.0"),
    ],
)
def test_bad_input_is_refused_with_its_value(settings, named):
    with pytest.raises(ValueError, match=named):
        reduce(two_layer(3, 4, outputs=2), **settings)


def test_a_network_without_hidden_layers_is_refused():
    with pytest.raises(ValueError, match="no hidden layer"):
        reduce(nn.Sequential(nn.Linear(3, 2)))


def test_a_relu_layer_keeps_its_type_and_number_format():
    net = two_layer(3, 6, activation=nn.Tanh, std=1.0).float()
    small, _ = reduce(net)
    assert isinstance(small[1], nn.Tanh)
    assert small[0].weight.dtype == torch.float32
