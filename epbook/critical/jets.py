"""σ, σ' and σ'' at once, in NumPy: what the closed form of the Hessian evaluates at every point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from epbook.activations import activation_of

Jet = Callable[[NDArray], tuple[NDArray, NDArray, NDArray]]


def _tanh(z: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    t = np.tanh(z)
    first = 1 - t * t
    return t, first, -2 * t * first


def _sigmoid(z: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    # 1 / (1 + e^-z) loses nothing for z > 0 and, unlike (1 + tanh(z/2)) / 2, nothing in the left tail;
    # the clip keeps e^-z finite where the result is below 1e-300 anyway.
    s = 1 / (1 + np.exp(-np.maximum(z, -690)))
    first = s * (1 - s)
    return s, first, first * (1 - 2 * s)


def _relu(z: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    active = (z > 0).astype(z.dtype)
    return z * active, active, np.zeros_like(z)


# About five times faster than tensors of a few hundred entries.
_NUMPY: dict[type[nn.Module], Jet] = {nn.Tanh: _tanh, nn.Sigmoid: _sigmoid, nn.ReLU: _relu}


def jet_of(module: nn.Module | None) -> Jet:
    """z ↦ (σ(z), σ'(z), σ''(z)) on NumPy arrays of any shape.

    Errors as in `epbook.activations.activation_of`. Source: textbook section 1.2.

    >>> [float(part[0]) for part in jet_of(nn.Tanh())(np.zeros(1))]
    [0.0, 1.0, -0.0]
    """
    if module is not None and type(module) in _NUMPY:
        return _NUMPY[type(module)]
    sigma = activation_of(module)

    def jet(z: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        tensor = torch.from_numpy(z)
        with torch.no_grad():
            return sigma.value(tensor).numpy(), sigma.first(tensor).numpy(), sigma.second(tensor).numpy()

    return jet
