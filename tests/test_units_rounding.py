"""What counts as zero for a unit is measured: by operations whose last digits are random, and by sizes."""

import pytest
import torch

from epbook.units.rounding import EPS, OFFSETS, RandomRounding, largest, spread


def moved(value, seed=0):
    with RandomRounding(seed):
        return value + 0.0


@pytest.mark.parametrize("count", [1, 7, 3 * OFFSETS])
def test_every_number_is_moved_by_a_few_last_digits_and_as_often_up_as_down(count):
    draws = torch.cat([moved(torch.ones(count).double(), seed) for seed in range(max(1, 700 // count))])
    off = (draws - 1) / EPS
    assert set(off.tolist()) <= {-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0}
    if len(off) > 1:
        assert abs(off.mean().item()) < 6 * 2**0.5 / len(off) ** 0.5  # six standard deviations


def test_the_same_numbers_are_moved_otherwise_each_time_they_are_read():
    x = torch.ones(50).double()
    with RandomRounding(0):
        off = x - x
    assert 0 < off.abs().max() <= 4 * EPS


def test_each_part_of_an_answer_is_moved():
    x = torch.ones(64).double()
    with RandomRounding(0):
        parts = torch.split(x + 0.0, 32)
        whole = torch.cat(list(parts))
        values, _ = torch.sort(whole)
    assert len(set(whole.tolist())) > 2
    assert (values.diff() < 0).any()  # sorted, then moved


def test_what_cancels_is_as_uncertain_as_what_it_was_made_of():
    big = 1e6 * torch.ones(100).double()

    def difference():
        return [(big + 1.0) - big]

    off = spread(difference, difference())[0]
    assert 1e6 * EPS < off < 1e3 * 1e6 * EPS


def test_the_size_of_a_symmetric_matrix_is_its_norm_to_a_tenth_from_below():
    draw = torch.Generator().manual_seed(0)
    for n in (1, 2, 30, 200):
        S = torch.randn(n, n, generator=draw, dtype=torch.float64)
        S = S + S.T
        norm = float(torch.linalg.matrix_norm(S, 2))
        assert 0.9 * norm <= largest(S) <= norm * (1 + 1e-12)
        assert largest(-S) == largest(S)
    assert largest(torch.zeros(3, 3).double()) == 0
    assert largest(torch.zeros(0, 0).double()) == 0
