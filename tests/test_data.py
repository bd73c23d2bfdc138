"""The teachers and Iris are what the chapter says they are."""

import math

import pytest
import torch

import epbook as ep


def test_relu_teacher_is_the_printed_formula():
    x, y = ep.data.relu_teacher(7)
    for (point,), (value,) in zip(x.tolist(), y.tolist(), strict=True):
        terms = (
            max(2 * point + 0.6, 0),
            -max(point, 0),
            max(0.5 * point - 0.4, 0),
            -max(1.5 * point - 0.6, 0),
        )
        assert value == pytest.approx(sum(terms), abs=1e-15)


def test_tanh_teacher_is_the_printed_formula():
    x, y = ep.data.tanh_teacher(7)
    for (point,), (value,) in zip(x.tolist(), y.tolist(), strict=True):
        assert value == pytest.approx(sum(math.tanh(point + shift) for shift in (-7, 0, 7)), abs=1e-15)


def test_iris_is_standardised():
    x, y = ep.data.iris()
    assert torch.allclose(x.mean(dim=0), torch.zeros(4, dtype=torch.float64), atol=1e-14)
    assert torch.allclose((x**2).mean(dim=0), torch.ones(4, dtype=torch.float64))
    assert torch.equal(y.sum(dim=1), torch.ones(150, dtype=torch.float64))


@pytest.mark.parametrize("teacher", [ep.data.relu_teacher, ep.data.tanh_teacher])
def test_teachers_refuse(teacher):
    with pytest.raises(ValueError, match="points must be a whole number of at least 2, got 1"):
        teacher(1)
    with pytest.raises(ValueError, match=r"low=2, high=1"):
        teacher(low=2, high=1)
