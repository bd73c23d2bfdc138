"""Loss, gradient and Hessian of a two-layer net in closed form: Gauss-Newton part plus per-neuron blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epbook.critical.jets import jet_of
from epbook.losses import Loss, is_mse
from epbook.networks import Layer

# Above this many inputs the table of products x̃_k x̃_l of every sample would fill the memory.
_WIDE_INPUT = 32


class TwoLayer:
    """f(x) = A σ(W x + b) + c, with its loss R(θ), gradient and Hessian as functions of the vector θ.

    With x̃ = [x; 1], z_j = w̃_j·x̃, e = ∂R/∂f and the output Hessian h = ∂²R/∂f²,

        ∇²R = Jᵀ h J + Σ_j (blocks of neuron j),   J = ∂f/∂θ,
        ∂²/∂w̃_j∂w̃_j: Σ_i (e_i·A_j) σ''(z_ij) x̃_i x̃_iᵀ,   ∂²/∂w̃_j∂A_qj: Σ_i e_iq σ'(z_ij) x̃_i.

    θ is in the order of torch.nn.utils.parameters_to_vector: W row by row, b, A row by row, c.
    Source: chapter section 1.2; the split into two parts is that of JML22 theorem 6.3.
    """

    def __init__(self, first: Layer, second: Layer, x: Tensor, y: Tensor, loss: Loss) -> None:
        self.m, d = first.weight.shape
        self.p = second.width
        biased, self.shifted = first.bias is not None, second.bias is not None
        self.jet = jet_of(first.activation)
        self.loss, self.mse, self.y_tensor = loss, is_mse(loss), y
        self.x = x.cpu().numpy()
        if biased:
            self.x = np.hstack([self.x, np.ones((len(self.x), 1))])
        self.n, self.D = self.x.shape
        # place[j, k]: where the weight from input k (the last: the bias) to neuron j stands in θ.
        place = np.arange(self.m * d).reshape(self.m, d)
        if biased:
            place = np.hstack([place, self.m * d + np.arange(self.m)[:, None]])
        self.place = place
        self.inner = self.m * self.D
        self.outer = self.inner + self.p * self.m
        self.size = self.outer + (self.p if self.shifted else 0)
        self.neuron = np.empty(self.inner, dtype=np.intp)
        self.neuron[place] = np.arange(self.m)[:, None]
        self.input = np.empty(self.inner, dtype=np.intp)
        self.input[place] = np.arange(self.D)
        self.y = y.cpu().numpy() if self.mse else None
        self.products = None

    def evaluate(self, theta: NDArray, *, hessian: bool = True) -> tuple[float, NDArray, NDArray | None]:
        """R(θ), ∇R(θ) and, where asked for, ∇²R(θ); in the floating type of θ for the MSE."""
        A = theta[self.inner : self.outer].reshape(self.p, self.m)
        z = self.x @ theta[self.place].T  # (n, m)
        h, h1, h2 = self.jet(z)
        f = h @ A.T  # (n, p)
        if self.shifted:
            f = f + theta[self.outer :]
        value, e, apply = self._output(f)
        s = (e @ A) * h1  # (n, m): ∂R/∂z
        gradient = np.empty(self.size, dtype=theta.dtype)
        gradient[self.place] = s.T @ self.x
        gradient[self.inner : self.outer] = (e.T @ h).ravel()
        gradient[self.outer :] = e.sum(axis=0)[: self.size - self.outer]
        if not hessian:
            return value, gradient, None
        G = h1[:, self.neuron] * self.x[:, self.input]  # (n, inner): ∂z_j/∂w̃_jk σ'(z_j)
        H = self._gauss_newton_mse(G, h, A) if apply is None else self._gauss_newton(G, h, A, apply)
        self._add_neuron_blocks(H, (e @ A) * h2, e.T @ G)
        return value, gradient, H

    def _output(self, f: NDArray) -> tuple[float, NDArray, Callable[[NDArray], NDArray] | None]:
        """R, e = ∂R/∂f (n, p) and, unless the loss is the MSE, the product with ∂²R/∂f²."""
        if self.mse:
            r = f - self.y
            return (r * r).sum() / r.size, r * (2 / r.size), None
        output = torch.from_numpy(f).requires_grad_(True)
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
            return product.numpy()

        return value.item(), e.detach().numpy(), apply

    def _gauss_newton_mse(self, G: NDArray, h: NDArray, A: NDArray) -> NDArray:
        """(2 / np) Jᵀ J, block by block, without the zeros of J."""
        inner, outer, m = self.inner, self.outer, self.m
        H = np.zeros((self.size, self.size), dtype=G.dtype)
        scale = 2 / (self.n * self.p)
        if self.p == 1:  # one symmetric product does it all
            J = np.empty((self.n, self.size), dtype=G.dtype)
            np.multiply(G, A[0, self.neuron], out=J[:, :inner])
            J[:, inner:outer] = h
            J[:, outer:] = 1
            np.matmul(J.T, J, out=H)
            H *= scale
            return H
        C = A.T @ A
        H[:inner, :inner] = (G.T @ G) * C[np.ix_(self.neuron, self.neuron)]
        Gh, hh = G.T @ h, h.T @ h
        for q in range(self.p):
            block = slice(inner + q * m, inner + (q + 1) * m)
            H[:inner, block] = Gh * A[q, self.neuron][:, None]
            H[block, :inner] = H[:inner, block].T
            H[block, block] = hh
            if self.shifted:
                last = outer + q
                H[:inner, last] = H[last, :inner] = G.sum(axis=0) * A[q, self.neuron]
                H[block, last] = H[last, block] = h.sum(axis=0)
                H[last, last] = self.n
        H *= scale
        return H

    def _gauss_newton(self, G: NDArray, h: NDArray, A: NDArray, apply: Callable) -> NDArray:
        """Jᵀ (∂²R/∂f²) J for any loss; nothing is assumed of how the loss joins samples."""
        J = np.zeros((self.size, self.n, self.p), dtype=G.dtype)
        J[: self.inner] = G.T[:, :, None] * A[:, self.neuron].T[:, None, :]
        for q in range(self.p):
            J[self.inner + q * self.m : self.inner + (q + 1) * self.m, :, q] = h.T
            if self.shifted:
                J[self.outer + q, :, q] = 1
        H = J.reshape(self.size, -1) @ apply(J).reshape(self.size, -1).T
        return (H + H.T) / 2

    def _add_neuron_blocks(self, H: NDArray, curvature: NDArray, mixed: NDArray) -> None:
        """Add the second derivatives of f, weighted by e: curvature (n, m), mixed (p, inner)."""
        if self.D <= _WIDE_INPUT:
            if self.products is None:
                self.products = (self.x[:, :, None] * self.x[:, None, :]).reshape(self.n, -1)
            blocks = (curvature.T @ self.products).reshape(self.m, self.D, self.D)
            H[self.place[:, :, None], self.place[:, None, :]] += blocks
        else:
            for j, rows in enumerate(self.place):
                H[np.ix_(rows, rows)] += (self.x * curvature[:, j, None]).T @ self.x
        rows = np.arange(self.inner)
        for q in range(self.p):
            columns = self.inner + q * self.m + self.neuron
            H[rows, columns] += mixed[q]
            H[columns, rows] += mixed[q]
