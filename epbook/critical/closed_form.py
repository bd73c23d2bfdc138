"""Loss, gradient and Hessian of a two-layer net in closed form: Gauss-Newton part plus per-neuron blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epbook.critical.jets import jet_of
from epbook.losses import Loss, is_mse
from epbook.networks import Layer


class Places(NamedTuple):
    """Where things stand in θ and, as single numbers row · P + column, in the (P, P) Hessian laid out flat.

    inner: (m, D), the weight from input k (the last: the bias) to neuron j; neuron: (mD,), the j of every
    such weight. blocks: (m, D, D), the pairs of weights into one neuron. mixed, mixed_transposed:
    (p, m, D), the pairs of a weight into neuron j and one out of it. One flat index writes several times
    faster than a pair of index arrays, and the tables depend on the shape of the net alone.
    """

    inner: NDArray
    neuron: NDArray
    blocks: NDArray
    mixed: NDArray
    mixed_transposed: NDArray


@lru_cache(maxsize=32)
def places(m: int, d: int, p: int, biased: bool, size: int) -> Places:
    """The tables for d inputs, m neurons and p outputs, where θ has `size` entries."""
    inner = np.arange(m * d).reshape(m, d)
    if biased:
        inner = np.hstack([inner, m * d + np.arange(m)[:, None]])
    neuron = np.empty(inner.size, dtype=np.intp)
    neuron[inner] = np.arange(m)[:, None]
    outer = inner.size + np.arange(p * m).reshape(p, m, 1)
    return Places(
        inner,
        neuron,
        blocks=inner[:, :, None] * size + inner[:, None, :],
        mixed=inner * size + outer,
        mixed_transposed=outer * size + inner,
    )


class TwoLayer:
    """f(x) = A σ(W x + b) + c, with its loss R(θ), gradient and Hessian as functions of the vector θ.

    With x̃ = [x; 1], z_j = w̃_j·x̃, e = ∂R/∂f and the output Hessian h = ∂²R/∂f²,

        ∇²R = Jᵀ h J + Σ_j (blocks of neuron j),   J = ∂f/∂θ,
        ∂²/∂w̃_j∂w̃_j: Σ_i (e_i·A_j) σ''(z_ij) x̃_i x̃_iᵀ,   ∂²/∂w̃_j∂A_qj: Σ_i e_iq σ'(z_ij) x̃_i.

    θ is in the order of torch.nn.utils.parameters_to_vector: W row by row, b, A row by row, c. Samples
    are the last axis of every array, so that the innermost loops run over contiguous memory.
    Source: textbook section 1.2; the split into two parts is that of JML22 theorem 6.3.
    """

    def __init__(self, first: Layer, second: Layer, x: Tensor, y: Tensor, loss: Loss) -> None:
        self.m, self.d = first.weight.shape
        self.p = second.width
        self.biased, self.shifted = first.bias is not None, second.bias is not None
        self.jet = jet_of(first.activation)
        self.loss, self.mse, self.y_tensor = loss, is_mse(loss), y
        self.n, self.D = len(x), self.d + self.biased
        self.x = np.empty((self.D, self.n))  # x̃
        self.x[: self.d] = x.cpu().numpy().T
        self.x[self.d :] = 1
        self.inner = self.m * self.D
        self.outer = self.inner + self.p * self.m
        self.size = self.outer + (self.p if self.shifted else 0)
        self.places = places(self.m, self.d, self.p, self.biased, self.size)
        self.y = y.cpu().numpy().T if self.mse else None

    def evaluate(self, theta: NDArray, *, hessian: bool = True) -> tuple[float, NDArray, NDArray]:
        """R(θ), ∇R(θ) and ∇²R(θ), empty where not asked for."""
        A = theta[self.inner : self.outer].reshape(self.p, self.m)
        h, h1, h2 = self.jet(theta[self.places.inner] @ self.x)  # (m, n) each
        f = A @ h  # (p, n)
        if self.shifted:
            f += theta[self.outer :, None]
        value, e, apply = self._output(f)
        # ∂R/∂σ(z), (m, n); of a column and a row, BLAS makes three times the work of NumPy.
        pull = A.T * e if self.p == 1 else A.T @ e
        gradient = np.empty(self.size)
        gradient[self.places.inner] = (pull * h1) @ self.x.T
        gradient[self.inner : self.outer] = (e @ h.T).ravel()
        if self.shifted:
            gradient[self.outer :] = e.sum(axis=1)
        if not hessian:
            return value, gradient, np.empty((0, 0))
        if apply is not None:
            H = self._gauss_newton(h, h1, A, apply)
        elif self.p == 1:
            H = self._gauss_newton_mse_one_output(h, h1, A)
        else:
            H = self._gauss_newton_mse(h, h1, A)
        self._add_neuron_blocks(H, pull * h2, e[:, None, :] * h1)
        return value, gradient, H

    def _output(self, f: NDArray) -> tuple[float, NDArray, Callable[[NDArray], NDArray] | None]:
        """R, e = ∂R/∂f (p, n) and, unless the loss is the MSE, the product with ∂²R/∂f²."""
        if self.mse:
            r = f - self.y
            return (r * r).sum() / r.size, r / (r.size / 2), None
        output = torch.from_numpy(np.ascontiguousarray(f.T)).requires_grad_(True)
        with torch.enable_grad():
            value = self.loss(output, self.y_tensor)
            (e,) = torch.autograd.grad(value, output, create_graph=True)

        def apply(J: NDArray) -> NDArray:
            """(P, n, p) directions in output space ↦ ∂²R/∂f² applied to each."""
            if not e.requires_grad:  # a loss that is linear in the output
                return np.zeros_like(J)
            (product,) = torch.autograd.grad(
                e, output, torch.from_numpy(J), is_grads_batched=True, materialize_grads=True
            )
            # A loss of slope ±1 (L1Loss) gives a zero without memory, which NumPy cannot read.
            return (product + 0.0).numpy()

        return value.item(), e.detach().numpy().T, apply

    def _spread(self, values: NDArray, out: NDArray) -> NDArray:
        """values_ij (m, n) ↦ out: values_ij x̃_ik in the row of the weight from input k to neuron j."""
        weights = self.m * self.d
        per_neuron = out[:weights].reshape(self.m, self.d, self.n)
        np.multiply(values[:, None, :], self.x[: self.d], out=per_neuron)
        if self.biased:
            out[weights : self.inner] = values
        return out

    def _gauss_newton_mse_one_output(self, h: NDArray, h1: NDArray, A: NDArray) -> NDArray:
        """(2/n) J Jᵀ with J = ∂f/∂θ (P, n), in one product that BLAS knows to be symmetric."""
        root = math.sqrt(2 / self.n)
        J = np.empty((self.size, self.n))
        self._spread(h1 * (root * A.T), out=J)
        np.multiply(h, root, out=J[self.inner : self.outer])
        J[self.outer :] = root
        return J @ J.T

    def _gauss_newton_mse(self, h: NDArray, h1: NDArray, A: NDArray) -> NDArray:
        """(2 / np) Jᵀ J, block by block, without the zeros of J."""
        inner, outer, m, neuron = self.inner, self.outer, self.m, self.places.neuron
        G = self._spread(h1, out=np.empty((inner, self.n)))  # σ'(z_j) ∂z_j/∂w̃_jk
        H = np.zeros((self.size, self.size))
        C = A.T @ A
        H[:inner, :inner] = (G @ G.T) * C[np.ix_(neuron, neuron)]
        Gh, hh = G @ h.T, h @ h.T
        for q in range(self.p):
            block = slice(inner + q * m, inner + (q + 1) * m)
            H[:inner, block] = Gh * A[q, neuron][:, None]
            H[block, :inner] = H[:inner, block].T
            H[block, block] = hh
            if self.shifted:
                last = outer + q
                H[:inner, last] = H[last, :inner] = G.sum(axis=1) * A[q, neuron]
                H[block, last] = H[last, block] = h.sum(axis=1)
                H[last, last] = self.n
        H *= 2 / (self.n * self.p)
        return H

    def _gauss_newton(self, h: NDArray, h1: NDArray, A: NDArray, apply: Callable) -> NDArray:
        """Jᵀ (∂²R/∂f²) J for any loss; nothing is assumed of how the loss joins samples."""
        J = np.zeros((self.size, self.n, self.p))
        G = self._spread(h1, out=np.empty((self.inner, self.n)))
        J[: self.inner] = G[:, :, None] * A.T[self.places.neuron, None, :]
        for q in range(self.p):
            J[self.inner + q * self.m : self.inner + (q + 1) * self.m, :, q] = h
            if self.shifted:
                J[self.outer + q, :, q] = 1
        H: NDArray = J.reshape(self.size, -1) @ apply(J).reshape(self.size, -1).T
        H += H.T.copy()
        H /= 2
        return H

    def _add_neuron_blocks(self, H: NDArray, curvature: NDArray, mixed: NDArray) -> None:
        """Add the second derivatives of f, weighted by e: curvature (m, n), mixed (p, m, n)."""
        x, flat = self.x, H.reshape(-1)
        blocks = ((curvature[:, None, :] * x).reshape(self.inner, self.n) @ x.T).reshape(-1, self.D, self.D)
        flat[self.places.blocks] += (blocks + blocks.transpose(0, 2, 1)) / 2
        slopes = mixed @ x.T
        flat[self.places.mixed] += slopes
        flat[self.places.mixed_transposed] += slopes
