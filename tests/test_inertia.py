"""Counts on matrices built with known inertia, and doubt where doubt is due."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inertia_cases import built, spectra

import epbook as ep


# The tolerance for the matrices of `test_gaps`: 12 · 2.2e-16 · 3 = 8e-15. What rounding does to an
# eigenvalue is some 1e-15, so none of the sizes below can cross it or its thousandfold.
@pytest.mark.parametrize("exponent", range(-11, -1))
@pytest.mark.parametrize("seed", range(3))
def test_clear_of_the_gap(exponent, seed):
    small = 10.0**exponent
    count = ep.inertia(built([-2, -1, -small, 0, 0, 0, small, 0.3, 1, 2, 3, 3], seed)[0])
    assert count == (3, 3, 6)
    assert count.decided
    assert count.gap >= 1e3
    assert count.largest_zero < 1e-14
    assert 0.5 * small < count.smallest_nonzero < 2 * small


@pytest.mark.parametrize("small", [1e-13, 1e-12])
@pytest.mark.parametrize("seed", range(3))
def test_too_small_for_a_sign_too_large_for_a_zero(small, seed):
    count = ep.inertia(built([-2, -1, -small, 0, 0, 0, small, 0.3, 1, 2, 3, 3], seed)[0])
    assert not count.decided
    assert count.undecided == 2
    assert tuple(count) == (2, 3, 5)
    assert "undecided: 2" in count.evidence


@pytest.mark.parametrize("small", [1e-16, 1e-15])
@pytest.mark.parametrize("seed", range(3))
def test_zero_as_far_as_float64_can_tell(small, seed):
    count = ep.inertia(built([-2, -1, -small, 0, 0, 0, small, 0.3, 1, 2, 3, 3], seed)[0])
    assert count == (2, 5, 5)
    assert count.tolerance >= 12 * 2.2e-16 * 2.9
    assert "zero means" in count.evidence


def signs(spectrum):
    return tuple(sum(np.sign(value) == sign for value in spectrum) for sign in (-1, 0, 1))


@settings(max_examples=60, deadline=None)
@given(spectra, st.integers(0, 10**6), st.integers(-600, 600))
def test_laws_of_the_counts(spectrum, seed, exponent):
    """In(−H) is In H reversed; powers of two and congruences (Sylvester) change nothing."""
    negative, zero, positive = signs(spectrum)
    H, _ = built(spectrum, seed)
    assert ep.inertia(H, tolerance=1e-13) == (negative, zero, positive)
    assert ep.inertia(-H, tolerance=1e-13) == (positive, zero, negative)
    scaled = ep.inertia(np.ldexp(H, exponent), tolerance=np.ldexp(1e-13, exponent))
    assert scaled == (negative, zero, positive)
    C = np.triu(np.random.default_rng(seed).uniform(-0.2, 0.2, size=H.shape), 1) + np.eye(len(H))
    congruent = C.T @ H @ C
    assert ep.inertia((congruent + congruent.T) / 2, tolerance=1e-13) == (negative, zero, positive)


@pytest.mark.parametrize("size", [7, 30, 60])
def test_random_spectra(size):
    eigenvalues = np.random.default_rng(size).normal(size=size)
    eigenvalues[: size // 3] = 0
    assert ep.inertia(built(eigenvalues)[0]) == signs(eigenvalues)


def test_a_sequence_of_three_counts():
    count = ep.inertia(torch.diag(torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)))
    negative, zero, positive = count
    assert (negative, zero, positive) == tuple(count) == (1, 1, 1)
    assert count == (1, 1, 1)
    assert count != (1, 1, 2)
    assert count != [1, 1, 1]
    assert np.add(count, (1, 0, 2)).tolist() == [2, 1, 3]
    assert repr(count) == "Inertia(negative=1, zero=1, positive=1)"


def test_doubt_is_part_of_what_is_compared():
    doubt = ep.inertia(np.diag([1.0, 1.0, 1e-13]))
    assert tuple(doubt) == (0, 0, 2)
    assert doubt != (0, 0, 2)
    assert doubt != ep.inertia(np.eye(2))
    assert doubt == ep.inertia(np.diag([3.0, 3.0, 3e-13]))  # other evidence, the same statement
    assert len({doubt, (0, 0, 2), ep.inertia(np.eye(2))}) == 2
    assert repr(doubt) == "Inertia(negative=0, zero=0, positive=2, undecided=1)"


def test_copies_keep_the_evidence():
    count = ep.inertia(np.diag([1.0, -2.0, 1e-13]))
    for copy in (pickle.loads(pickle.dumps(count)), dataclasses.replace(count)):
        assert copy == count
        assert dataclasses.asdict(copy) == dataclasses.asdict(count)
        assert copy.evidence == count.evidence
    with pytest.raises(dataclasses.FrozenInstanceError):
        count.zero = 3


def test_zero_matrix_and_scale():
    assert ep.inertia(np.zeros((3, 3))) == (0, 3, 0)
    H, _ = built([-1, 0, 1, 2])
    assert ep.inertia(1e-200 * H) == ep.inertia(1e200 * H) == (1, 1, 2)


def test_ends_of_the_range_of_floats():
    assert ep.inertia([[1.7e308]]) == (0, 0, 1)
    assert ep.inertia([[-1.7e308, 0.0], [0.0, 0.0]]) == (1, 1, 0)
    with pytest.raises(ValueError, match="beyond the range of float64"):
        ep.inertia(np.full((2, 2), 1.7e308))
    # Among the smallest floats, entries are only known to 5e-324, whatever 2.2e-16 · max|λ| says.
    assert ep.inertia([[1e-308, 0.0], [0.0, 1e-323]]) == (0, 1, 1)


@pytest.mark.parametrize("kind", [np.float32, torch.float32, np.float16, torch.bfloat16])
def test_tolerance_follows_the_type_of_the_matrix(kind):
    """The rounding of entries to 8 to 24 bits leaves a null direction an eigenvalue of about 1e-7 to 1e-3."""
    H, Q = built([-2, -1, 0, 1, 3])
    H = torch.from_numpy(H).to(kind) if isinstance(kind, torch.dtype) else H.astype(kind)
    assert (H == H.T).all()
    finfo = torch.finfo(kind) if isinstance(kind, torch.dtype) else np.finfo(kind)
    count = ep.inertia(H, gap=3)
    assert count == (2, 1, 2)
    assert count.tolerance == pytest.approx(5 * float(finfo.eps) * 3, rel=0.1)
    wide = H.double() if isinstance(kind, torch.dtype) else H.astype(float)
    assert not ep.inertia(wide, gap=3).zero  # whoever says that all 53 bits are good is believed
    assert ep.inertia(H, null=Q[:, 2:3].astype(np.float32), gap=3) == (2, 1, 2)


def test_whole_numbers_and_tensors_that_require_grad():
    assert ep.inertia([[2, 1], [1, 2]]) == (0, 0, 2)
    assert ep.inertia(torch.eye(2, dtype=torch.float64, requires_grad=True)) == (0, 0, 2)


def test_tolerance_of_the_caller():
    H = np.diag([1.0, 1e-4, -1e-9])
    assert ep.inertia(H, tolerance=1e-8) == (0, 1, 2)
    coarse = ep.inertia(H, tolerance=1e-6)
    assert tuple(coarse) == (0, 1, 1)
    assert coarse.undecided == 1


def test_known_null_directions_are_deflated():
    H, Q = built([-2, -1e-13, 0, 0, 1, 3])
    assert not ep.inertia(H).decided
    count = ep.inertia(H, null=Q[:, 2:4], tolerance=1e-16, gap=10)
    assert count == (2, 2, 2)
    assert count.known == 2
    assert ep.inertia(H, null=np.zeros((6, 0))).known == 0


@pytest.mark.parametrize(
    ("H", "options", "message"),
    [
        (np.ones((2, 3)), {}, r"square matrix, got the shape \(2, 3\)"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), {}, "symmetric"),
        (np.array([[1.0, 1.7e308], [-1.7e308, 1.0]]), {}, "symmetric"),
        (np.full((2, 2), np.nan), {}, "not finite"),
        (np.eye(2), {"tolerance": -1.0}, "tolerance"),
        (np.eye(2), {"tolerance": np.inf}, "tolerance"),
        (np.eye(2), {"gap": 0.5}, "gap"),
        (np.eye(2), {"null": np.ones((2, 1))}, "column 0 of null"),
        (np.eye(2), {"null": np.ones((3, 1))}, "columns of length 2"),
        (np.zeros((2, 2)), {"null": np.ones((2, 2))}, "dependent"),
        (np.zeros((2, 2)), {"null": np.zeros((2, 1))}, "not zero"),
        (np.eye(2), {"error": 1e-9}, "error=1e-09 is for certified=True"),
        (np.eye(2), {"error": np.nan}, "for certified=True"),
        (np.eye(2), {"certified": True, "error": -1.0}, "error must be"),
        (np.eye(2), {"certified": True, "tolerance": 1e-9}, "leave out tolerance=1e-09"),
    ],
)
def test_bad_input_is_named(H, options, message):
    if options.get("certified"):
        pytest.importorskip("flint")
    with pytest.raises(ValueError, match=message):
        ep.inertia(H, **options)


@pytest.mark.parametrize("H", [np.array([[1, 1j], [-1j, 1]]), torch.eye(2, dtype=torch.complex64)])
def test_complex_matrices_are_refused_by_their_type(H):
    with pytest.raises(TypeError, match=r"must hold real numbers, got .*complex"):
        ep.inertia(H)


def test_only_numbers():
    with pytest.raises(TypeError, match="must hold real numbers, got <U1"):
        ep.inertia([["a"]])
