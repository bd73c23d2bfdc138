"""Counts on matrices built with known inertia, doubt where doubt is due, and proofs."""

import pickle
import sys

import numpy as np
import pytest
import torch

import epbook as ep


def built(eigenvalues, seed=0):
    """A symmetric matrix with these eigenvalues, and its eigenvectors."""
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues),) * 2))[0]
    H = (Q * np.asarray(eigenvalues)) @ Q.T
    return (H + H.T) / 2, Q


@pytest.mark.parametrize("exponent", range(-16, -1))
@pytest.mark.parametrize("seed", range(5))
def test_gaps(exponent, seed):
    small = 10.0**exponent
    H, _ = built([-2, -1, -small, 0, 0, 0, small, 0.3, 1, 2, 3, 3], seed)
    count = ep.inertia(H)
    if exponent >= -11:
        assert count == (3, 3, 6)
        assert count.decided
        assert count.gap >= 1e3
        assert 0.5 * small < count.smallest_nonzero < 2 * small
    elif count.decided:  # below the tolerance the two are zero as far as float64 can tell, and it says so
        assert small <= count.tolerance
        assert count == (2, 5, 5)
    else:
        assert count.undecided == 2
        assert count == (2, 3, 5)
        assert "undecided: 2" in count.evidence


@pytest.mark.parametrize("small", [1e-14, 1e-13, 1e-12])
def test_too_small_for_a_sign_too_large_for_a_zero(small):
    assert not ep.inertia(built([1, 2, 3, small])[0]).decided


@pytest.mark.parametrize("size", [1, 2, 7, 30, 60])
def test_random_spectra(size):
    eigenvalues = np.random.default_rng(size).normal(size=size)
    eigenvalues[: size // 3] = 0
    expected = tuple(
        int(v) for v in ((eigenvalues < 0).sum(), (eigenvalues == 0).sum(), (eigenvalues > 0).sum())
    )
    assert ep.inertia(built(eigenvalues)[0]) == expected


def test_compares_like_a_triple_and_survives_pickling():
    count = ep.inertia(torch.diag(torch.tensor([1.0, -1.0, 0.0])))
    negative, zero, positive = count
    assert (negative, zero, positive) == count == (1, 1, 1)
    copy = pickle.loads(pickle.dumps(count))
    assert copy == count
    assert copy.evidence == count.evidence
    assert repr(count) == "Inertia(negative=1, zero=1, positive=1)"


def test_zero_matrix_and_scale():
    assert ep.inertia(np.zeros((3, 3))) == (0, 3, 0)
    H, _ = built([-1, 0, 1, 2])
    assert ep.inertia(1e-200 * H) == ep.inertia(1e200 * H) == (1, 1, 2)


def test_tolerance_of_the_caller():
    H = np.diag([1.0, 1e-4, -1e-9])
    assert ep.inertia(H, tolerance=1e-8) == (0, 1, 2)
    assert ep.inertia(H, tolerance=1e-6) == (0, 1, 1)
    assert ep.inertia(H, tolerance=1e-6).undecided == 1


def test_known_null_directions_are_deflated():
    H, Q = built([-2, -1e-13, 0, 0, 1, 3])
    assert not ep.inertia(H).decided
    count = ep.inertia(H, null=Q[:, 2:4], tolerance=1e-16, gap=10)
    assert count == (2, 2, 2)
    assert count.known == 2


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
    assert without == (2, 0, 2)
    assert not ep.inertia(H, null=Q[:, 2:3], certified=True, error=0.5).decided


def test_certified_sees_exact_small_numbers():
    pytest.importorskip("flint")
    assert ep.inertia(np.diag([1.0, 1e-18, -1e-17]), certified=True) == (1, 0, 2)


def test_certified_holds_for_every_matrix_in_the_ball():
    pytest.importorskip("flint")
    eigenvalues = [-1, -0.01, 0.02, 1]
    H, _ = built(eigenvalues)
    count = ep.inertia(H, certified=True, error=1e-3)
    assert count == (2, 0, 2)
    rng = np.random.default_rng(0)
    for _ in range(200):
        noise = rng.choice([-1e-3, 1e-3], size=H.shape)
        noise = np.triu(noise) + np.triu(noise, 1).T
        values = np.linalg.eigvalsh(H + noise)
        assert ((values < 0).sum(), (values > 0).sum()) == (2, 2)


def test_missing_flint_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(ImportError, match="pip install python-flint"):
        ep.inertia(np.eye(2), certified=True)


@pytest.mark.parametrize(
    ("H", "options", "message"),
    [
        (np.ones((2, 3)), {}, r"square matrix, got the shape \(2, 3\)"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), {}, "symmetric"),
        (np.full((2, 2), np.nan), {}, "not finite"),
        (np.eye(2), {"tolerance": -1.0}, "tolerance"),
        (np.eye(2), {"gap": 0.5}, "gap"),
        (np.eye(2), {"null": np.ones((2, 1))}, "column 0 of null"),
        (np.eye(2), {"null": np.ones((3, 1))}, "columns of length 2"),
        (np.zeros((2, 2)), {"null": np.ones((2, 2))}, "dependent"),
        (np.zeros((2, 2)), {"null": np.zeros((2, 1))}, "not zero"),
        (np.eye(2), {"certified": True, "error": -1.0}, "error must be"),
    ],
)
def test_bad_input_is_named(H, options, message):
    if options.get("certified"):
        pytest.importorskip("flint")
    with pytest.raises(ValueError, match=message):
        ep.inertia(H, **options)
