"""The exact law of one split: which signs it adds to the Hessian, known before splitting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.critical import Inertia
from epbook.embedding.rounding import loss_behind, preactivation_errors, slope
from epbook.embedding.split import Split, shares
from epbook.given import read, refuse_kinks, refuse_meta
from epbook.losses import Loss, mse_loss
from epbook.networks import augmented, forward, hidden_neuron
from epbook.results import Result

# What counts as zero, times the errors of all terms in ε. Rounding alone asks for a few ε; a few hundred call
# zero what the eigenvalues of a dense Hessian, known to P·ε of the largest, cannot tell from zero either.
ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class SplitLaw(Result):
    """In H(Tθ) = In H(θ) + In Q, Q = [[F ⊗ S, I ⊗ Mᵀ], [I ⊗ M, 0]], for every split of one neuron.

    S = E[(c·e) σ''(z) x̃x̃ᵀ], shape (d, d), d = inputs of the layer (+1 with bias): felt between copies.
    M = E[e σ'(z) x̃ᵀ], shape (next width, d): coupling of the copies' incoming and outgoing weights.
    F = diag(f) − f fᵀ over the new copies' shares f; for one split F = α(1−α).
    z: the neuron's pre-activation, c: its outgoing weights, e: derivative of the loss by the next layer's
    pre-activations, x̃ = [input of the layer; 1]. Holds at every θ where loss and activations are twice
    differentiable. Source: this book, page on the embedding principle; S is the splitting matrix of Wu, Wang
    and Liu (2019), and S and M decide in Fukumizu et al. (2019) whether a minimum stays one.
    """

    S: Tensor
    M: Tensor
    units: Tensor  # (d,) the largest |x̃_j|: signs and ranks are counted in these units of the inputs
    S_zero: float  # |eigenvalue of S| up to this counts as zero, in these units
    M_zero: float  # singular value of M up to this counts as zero, in these units

    @property
    def rank(self) -> int:
        """rank M: the negative eigenvalues that every split adds, whatever α."""
        return int((self._couplings > self.M_zero).sum())

    @property
    def curvatures(self) -> Tensor:
        """Eigenvalues of S on ker M, (n,), ascending: their signs times the sign of α(1−α) are the rest."""
        null = torch.linalg.svd(self.M / self.units)[2][self.rank :]  # rows span ker M
        values: Tensor = torch.linalg.eigvalsh(null @ (self.S / torch.outer(self.units, self.units)) @ null.T)
        return values

    def matrix(self, fractions: Sequence[float]) -> Tensor:
        """Q itself for shares (f_1, …, f_k): (n, n) with n = (k−1)(d + next width)."""
        F = self._shares(fractions)
        eye = torch.eye(len(F), dtype=self.S.dtype)
        coupling = torch.kron(eye, self.M)
        corner = self.S.new_zeros(coupling.shape[0], coupling.shape[0])
        return torch.cat(
            [torch.cat([torch.kron(F, self.S), coupling.T], 1), torch.cat([coupling, corner], 1)], 0
        )

    def added(self, fractions: Sequence[float]) -> Inertia:
        """In Q: (rank M)(k−1) of each sign, then the signs of F ⊗ (S on ker M), the rest zeros."""
        F = torch.linalg.eigvalsh(self._shares(fractions))
        F = torch.where(F.abs() <= 1e-12 * F.abs().max().clamp(min=1), 0.0, F)
        S = torch.where(self.curvatures.abs() <= self.S_zero, 0.0, self.curvatures)
        signs = torch.outer(F, S).sign()
        negative = self.rank * len(F) + int((signs < 0).sum())
        positive = self.rank * len(F) + int((signs > 0).sum())
        size = torch.cat([self._couplings / self.M_zero, self.curvatures.abs() / self.S_zero])
        return Inertia(
            negative,
            len(F) * sum(self.M.shape) - negative - positive,
            positive,
            tolerance=ROUNDING,
            largest_zero=ROUNDING * float(size[size <= 1].max()) if bool((size <= 1).any()) else 0.0,
            smallest_nonzero=ROUNDING * float(size[size > 1].min()) if bool((size > 1).any()) else math.inf,
        )

    @property
    def _couplings(self) -> Tensor:
        values: Tensor = torch.linalg.svdvals(self.M / self.units)
        return values

    def _shares(self, fractions: Sequence[float]) -> Tensor:
        f = torch.tensor(Split(0, 0, tuple(fractions)).fractions[1:], dtype=self.S.dtype)
        return torch.diag(f) - torch.outer(f, f)


def split_law(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    layer: int = 0,
    neuron: int = 0,
) -> SplitLaw:
    """S and M of one neuron, from which the signs of every split of it follow.

    S = E[(c·e) σ''(z) x̃x̃ᵀ], M = E[e σ'(z) x̃ᵀ].

    net: any nn.Sequential of Linear and elementwise activations, at any point (critical or not; polish a
    critical point first: a zero that is only nearly one counts by its sign, here as in the Hessian).
    x: (n, inputs), y: what the loss takes, loss(output, y) a scalar. S and M are float64. Raises ValueError
    for a layer or neuron that is not there, shapes that do not fit, and a pre-activation at a kink of σ
    (no second derivative there).
    Source: this book, page on the embedding principle; at one output it contains JML22 theorem 6.2.

    >>> from epbook.networks import two_layer
    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> split_law(two_layer(1, 2, activation=nn.Tanh), x, x).M.shape
    torch.Size([1, 2])
    """
    given = read(net, x, y, loss=loss)
    neuron = hidden_neuron(given.layers, layer, neuron)
    refuse_meta(given.layers)
    refuse_kinks(given.layers, given.x)
    here, following = given.layers[layer], given.layers[layer + 1]
    inputs = forward(given.layers[:layer], given.x)
    z = here.affine(inputs)
    out = z if here.activation is None else here.activation(z)
    z_error, next_error = preactivation_errors(given.layers[: layer + 2], given.x)[-2:]
    risk = loss_behind(given.layers, layer, given.loss, given.y)
    e, e_error = slope(risk, following.affine(out), next_error)
    if here.bias is not None:
        inputs = augmented(inputs)  # (n, d)
    facts, c = activation_of(here.activation), following.weight[:, neuron]
    z, z_error = z[:, neuron], z_error[:, neuron]
    first, second = facts.first(z), facts.second(z)
    # What rounding leaves in each term, in ε, without any cancellation: e and z have errors, and σ', σ'' are
    # known to ε of 1, not of themselves (1 − tanh² of a saturated neuron).
    units = inputs.abs().amax(dim=0)
    units = torch.where(units > 0, units, 1.0)
    size, large = (inputs / units).norm(dim=1), e.abs().amax(dim=1)
    first_error = (large + e_error) * first.abs() + large * (second.abs() * z_error + 1)
    second_error = (large + e_error) * second.abs() + large
    return SplitLaw(
        S=(inputs * ((e @ c) * second)[:, None]).T @ inputs,
        M=(e * first[:, None]).T @ inputs,
        units=units,
        S_zero=ROUNDING * float((second_error * c.abs().sum() * size**2).sum()),
        M_zero=ROUNDING * float((first_error * size).sum()),
    )


def split_inertia(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    layer: int = 0,
    neuron: int = 0,
    alpha: float | None = None,
    fractions: Sequence[float] | None = None,
) -> Inertia:
    """How many negative, zero and positive Hessian eigenvalues a split adds, without splitting.

    In H(T^αθ) − In H(θ) = In Q_α, Q_α = [[α(1−α)S, Mᵀ], [M, 0]]; exact for any depth, θ, α and loss.

    x: (n, inputs), y: (n, outputs); the rest as in `split` and `split_law`; alpha defaults to 1/2. Returns
    Inertia(negative, zero, positive). Raises what `split` and `split_law` raise. Source: this book, page on
    the embedding principle.

    >>> from epbook.data import tanh_teacher
    >>> from epbook.networks import two_layer
    >>> x, y = tanh_teacher()
    >>> sum(split_inertia(two_layer(1, 2, activation=nn.Tanh, std=1.0), x, y, alpha=0.3))
    3
    """
    shared = shares(alpha, fractions)
    return split_law(net, x, y, loss=loss, layer=layer, neuron=neuron).added(shared)
