"""Newton's method in 50 digits and more, with nothing of the package in it: is there a critical point here?

A two-layer net f(x) = A σ(W x + b) with the mean squared error, written once more from its formula, in the
arithmetic of Arb (python-flint). Targets and output weights are taken in units of the largest target, inputs
and input weights in units of the largest input, so that one tolerance serves all scales.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import flint
import numpy as np
from flint import arb, arb_mat
from numpy.typing import NDArray

# (H² + μ) u = H g squares the condition of H: 200 digits of work leave 50 and more of θ.
PRECISION = 664
# ‖∇R‖₁ in these units at which Newton's method has arrived, and how far it may go for that.
SOLVED = 1e-40
NEAR = 1e-3

Jet = Callable[[arb], tuple[arb, arb, arb]]


def _sigmoid(z: arb) -> tuple[arb, arb, arb]:
    small = (-abs(z)).exp()
    s = (1 if z >= 0 else small) / (1 + small)
    first = small / (1 + small) ** 2
    return s, first, first * (1 - 2 * s)


def _tanh(z: arb) -> tuple[arb, arb, arb]:
    s, first, second = _sigmoid(2 * z)
    return 2 * s - 1, 4 * first, 8 * second


def _softplus(z: arb) -> tuple[arb, arb, arb]:
    s, first, _ = _sigmoid(z)
    value = (1 + (-abs(z)).exp()).log() + (z if z >= 0 else 0)
    return value, s, first


def _silu(z: arb) -> tuple[arb, arb, arb]:
    s, first, second = _sigmoid(z)
    return z * s, s + z * first, 2 * first + z * second


def _gelu(z: arb) -> tuple[arb, arb, arb]:
    phi = (-z * z / 2).exp() / (2 * arb.pi()).sqrt()
    below = (-z / arb(2).sqrt()).erfc() / 2
    return z * below, below + z * phi, (2 - z * z) * phi


def _exponential(alpha: float, scale: float) -> Jet:
    """scale · (z above 0, alpha (e^z − 1) below): ELU and, with its two constants, SELU."""

    def jet(z: arb) -> tuple[arb, arb, arb]:
        if z > 0:
            return scale * z, arb(scale), arb(0)
        tail = scale * alpha * z.exp()
        return tail - scale * alpha, tail, tail

    return jet


JETS: dict[str, Jet] = {
    "Tanh": _tanh,
    "Sigmoid": _sigmoid,
    "Softplus": _softplus,
    "SiLU": _silu,
    "GELU": _gelu,
    "ELU": _exponential(1.0, 1.0),
    "SELU": _exponential(1.6732632423543772848170429916717, 1.0507009873554804934193349852946),
}


@dataclass(frozen=True)
class Outcome:
    """critical: ‖∇R‖₁ fell to SOLVED close by. moved: how far it went, in the units above; steps taken."""

    critical: bool
    moved: float
    gradient: float
    steps: int


class Exact:
    """R, ∇R and ∇²R of one data set and activation, for parameters as a list of balls."""

    def __init__(self, activation: str, width: int, x: NDArray, y: NDArray) -> None:
        self.jet, self.m = JETS[activation], width
        self.n, self.d = x.shape
        self.p = y.shape[1]
        self.unit_x = float(np.abs(x).max()) or 1.0
        self.unit_y = float(np.abs(y).max()) or 1.0
        with flint.ctx.workprec(PRECISION):
            self.x = [[(arb(v) / self.unit_x).mid() for v in row] + [arb(1)] for row in x.tolist()]
            self.y = [[(arb(v) / self.unit_y).mid() for v in row] for row in y.tolist()]
        self.D = self.d + 1
        self.size = self.m * (self.D + self.p)

    def inward(self, W: NDArray, b: NDArray, A: NDArray) -> list[arb]:
        """(w̃_1, …, w̃_m, a_1, …, a_m) in the units of this class."""
        theta = []
        for j in range(self.m):
            theta += [arb(v) * self.unit_x for v in W[j].tolist()] + [arb(float(b[j]))]
        for j in range(self.m):
            theta += [arb(v) / self.unit_y for v in A[:, j].tolist()]
        return theta

    def derivatives(self, theta: list[arb]) -> tuple[arb_mat, arb_mat]:
        """∇R as a column and ∇²R = Jᵀ J + Σ e ∂²f, for R = Σ (f − y)² / 2."""
        m, D, p = self.m, self.D, self.p
        inner = m * D
        rows, G = [], arb_mat(self.size, 1)
        H = arb_mat(self.size, self.size)
        for xi, yi in zip(self.x, self.y, strict=True):
            jets = []
            for j in range(m):
                w = theta[j * D : (j + 1) * D]
                jets.append(self.jet(sum((wk * xk for wk, xk in zip(w, xi, strict=True)), arb(0))))
            e = [
                sum((theta[inner + j * p + q] * jets[j][0] for j in range(m)), arb(0)) - yi[q]
                for q in range(p)
            ]
            for q in range(p):
                row = [arb(0)] * self.size
                for j, (h, h1, _) in enumerate(jets):
                    a = theta[inner + j * p + q]
                    for k in range(D):
                        row[j * D + k] = a * h1 * xi[k]
                    row[inner + j * p + q] = h
                rows.append(row)
            for j, (_, h1, h2) in enumerate(jets):
                pull = sum((e[q] * theta[inner + j * p + q] for q in range(p)), arb(0)) * h2
                for k in range(D):
                    r = j * D + k
                    left = pull * xi[k]
                    for other in range(D):
                        H[r, j * D + other] += left * xi[other]
                    for q in range(p):
                        mixed = e[q] * h1 * xi[k]
                        H[r, inner + j * p + q] += mixed
                        H[inner + j * p + q, r] += mixed
            for q in range(p):
                row = rows[-p + q]
                for k in range(self.size):
                    G[k, 0] += e[q] * row[k]
        J = arb_mat(rows)
        return G, H + J.transpose() * J

    def newton(self, W: NDArray, b: NDArray, A: NDArray, *, most: int = 150) -> Outcome:
        """θ ← θ − (H² + ‖g‖²)⁻¹ H g: Newton's method where H is regular, and on sets of critical points
        the step to the set, since exactly flat directions drop out. At infinity it goes on and on."""
        with flint.ctx.workprec(PRECISION):
            theta = self.inward(W, b, A)
            # Beside a gradient of 10^-d, H² + ‖g‖² has entries of 1 and of 10^-2d: work with more digits.
            first = _size(self.derivatives(theta)[0])
            more = 0 if first == 0 or first > 1 else int(-8 * np.log2(max(first, 1e-300)))
            with flint.ctx.workprec(PRECISION + more):
                return self._newton(theta, most)

    def _newton(self, theta: list[arb], most: int) -> Outcome:
        start = list(theta)
        reach = NEAR * max(1.0, *(abs(float(v)) for v in start))
        moved, step = 0.0, np.inf
        taken = 0
        while taken < most:
            g, H = (_middle(matrix) for matrix in self.derivatives(theta))
            size = _size(g)
            # A small gradient alone says nothing far out, where all derivatives are small: the step must be.
            if (size <= SOLVED and step <= 1e-10 * reach) or moved > reach or size == 0:
                break
            u = _step(g, H)
            step = max(abs(float(v)) for v in u)
            theta = [(v - w).mid() for v, w in zip(theta, u, strict=True)]
            moved = max(abs(float(v - w)) for v, w in zip(theta, start, strict=True))
            taken += 1
        critical = size <= SOLVED and moved <= reach and self._stays(theta, reach)
        return Outcome(critical, moved, size, taken)

    def _stays(self, theta: list[arb], reach: float) -> bool:
        """Whether more steps lead nowhere while ‖∇R‖₁ goes on falling, as at a zero.

        Where σ is flat, ‖∇R‖₁ may be tiny as well: there the steps get long, or, where it is flat twice over,
        ‖∇R‖₁ stands still.
        """
        sizes = []
        with flint.ctx.workprec(4 * flint.ctx.prec):
            for _ in range(4):
                g, H = (_middle(matrix) for matrix in self.derivatives(theta))
                sizes.append(_size(g))
                if sizes[-1] == 0:
                    return True
                step = _step(g, H)
                if max(abs(float(v)) for v in step) > 1e-10 * reach:
                    return False
                theta = [(v - w).mid() for v, w in zip(theta, step, strict=True)]
        return min(sizes[2:]) <= sizes[1] / 2


def _step(g: arb_mat, H: arb_mat) -> list[arb]:
    """(H² + ‖g‖²)⁻¹ H g, with more digits where the balls say that those at work do not suffice."""
    prec = flint.ctx.prec
    while True:
        squared = H * H
        mu = sum((v * v for v in g.entries()), arb(0)).mid()
        for k in range(H.nrows()):
            squared[k, k] = (squared[k, k] + mu).mid()
        try:
            u = squared.solve(H * g).entries()
            if all(float(v.rad()) <= 1e-3 * abs(float(v)) + 1e-60 for v in u) or flint.ctx.prec > 20000:
                return [v.mid() for v in u]
        except ZeroDivisionError:  # singular as far as these digits tell
            if flint.ctx.prec > 20000:
                raise
        finally:
            more, flint.ctx.prec = 2 * flint.ctx.prec, prec
        flint.ctx.prec = more


def _size(gradient: arb_mat) -> float:
    return sum(abs(float(v)) for v in gradient.entries())


def _middle(matrix: arb_mat) -> arb_mat:
    return arb_mat(matrix.nrows(), matrix.ncols(), [v.mid() for v in matrix.entries()])
