"""Symmetric matrices of known eigenvalues, for the tests of the inertia."""

import numpy as np
from hypothesis import strategies as st

spectra = st.lists(st.sampled_from([-5.0, -1.0, -0.01, 0.0, 0.0, 0.02, 1.0, 3.0]), min_size=1, max_size=12)


def built(eigenvalues, seed=0):
    """A symmetric matrix with these eigenvalues, and its eigenvectors."""
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues),) * 2))[0]
    H = (Q * np.asarray(eigenvalues)) @ Q.T
    return (H + H.T) / 2, Q
