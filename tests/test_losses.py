"""The losses of the book against their formulas."""

import math

import pytest
import torch

from epbook.losses import softmax_mse


def test_softmax_mse_against_its_formula():
    output = torch.tensor([[0.0, math.log(3.0)]], dtype=torch.float64)
    target = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert softmax_mse(output, target).item() == pytest.approx(((1 / 4 - 1) ** 2 + (3 / 4) ** 2) / 2)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        softmax_mse(torch.zeros(2, 3), torch.zeros(3))
