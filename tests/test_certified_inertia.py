"""Counts that are proved: they hold for every matrix within the error."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inertia_cases import built, spectra

import epbook as ep
from epbook.critical import Inertia


@pytest.mark.parametrize("exponent", range(-14, -1))
@pytest.mark.parametrize("seed", range(3))
def test_certified_gaps(exponent, seed):
    pytest.importorskip("flint")
    small = 10.0**exponent
    H, Q = built([-2, -1, -small, 0, 0, small, 0.3, 1, 2, 3], seed)
    count = ep.inertia(H, null=Q[:, 3:5], certified=True, error=2e-16)
    assert count == (3, 2, 5)
    assert count.certified
    assert count.decided


def test_certified_refuses_what_it_cannot_prove():
    pytest.importorskip("flint")
    H, Q = built([-2, -1, 0, 1, 2])
    without = ep.inertia(H, certified=True, error=1e-15)
    assert without.undecided == 1
    assert tuple(without) == (2, 0, 2)
    assert not ep.inertia(H, null=Q[:, 2:3], certified=True, error=0.5).decided
    assert ep.inertia(np.zeros((2, 2)), certified=True) == Inertia(0, 0, 0, undecided=2)


def test_certified_sees_exact_small_numbers():
    pytest.importorskip("flint")
    assert ep.inertia(np.diag([1.0, 1e-18, -1e-17]), certified=True) == (1, 0, 2)


def corners(H, error, count):
    """Symmetric matrices whose entries are all off by ±error."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        noise = np.triu(rng.choice([-error, error], size=H.shape))
        yield H + noise + np.triu(noise, 1).T


def test_certified_holds_for_every_matrix_in_the_ball():
    pytest.importorskip("flint")
    H, _ = built([-1, -0.01, 0.02, 1])
    assert ep.inertia(H, certified=True, error=1e-3) == (2, 0, 2)
    for other in corners(H, 1e-3, 200):
        values = np.linalg.eigvalsh(other)
        assert ((values < 0).sum(), (values > 0).sum()) == (2, 2)


@settings(max_examples=60, deadline=None)
@given(spectra, st.integers(0, 10**6), st.floats(-6, 0))
def test_certified_counts_are_bounds_from_below(spectrum, seed, exponent):
    """Discs that overlap share their eigenvalues; the counts must hold all the same, all over the ball."""
    pytest.importorskip("flint")
    H, _ = built(spectrum, seed)
    error = 10.0**exponent
    count = ep.inertia(H, certified=True, error=error)
    for other in corners(H, error, 10):
        values = np.linalg.eigvalsh(other)
        assert (values < -1e-13).sum() >= count.negative
        assert (values > 1e-13).sum() >= count.positive
    assert sum(count) + count.undecided == len(H)


def test_missing_flint_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(ImportError, match="epbook\\[certify\\]"):
        ep.inertia(np.eye(2), certified=True)
