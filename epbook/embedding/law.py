"""The exact law of one split: which signs it adds to the Hessian, known before splitting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.critical.inertia import Inertia
from epbook.embedding.split import Split
from epbook.given import layers
from epbook.networks import hidden_neuron

RELATIVE_ZERO = 1e-13  # rounding: what counts as zero, relative to the same sum without cancellation
NEAR_KINK = 1e-10  # pre-activations this close to a kink of σ have no second derivative


@dataclass(frozen=True)
class SplitLaw:
    """In H(Tθ) = In H(θ) + In Q, Q = [[F ⊗ S, I ⊗ Mᵀ], [I ⊗ M, 0]], for every split of one neuron.

    S = E[(c·e) σ''(z) x̃x̃ᵀ], shape (d, d), d = inputs of the layer (+1 with bias): felt between copies.
    M = E[e σ'(z) x̃ᵀ], shape (next width, d): coupling of the copies' incoming and outgoing weights.
    F = diag(f) − f fᵀ over the new copies' shares f; for one split F = α(1−α).
    z: the neuron's pre-activation, c: its outgoing weights, e: derivative of the loss by the next layer's
    pre-activations, x̃ = [input of the layer; 1].
    """

    S: Tensor
    M: Tensor
    S_zero: float  # |eigenvalue of S| up to this counts as zero
    M_zero: float  # singular value of M up to this counts as zero

    @property
    def rank(self) -> int:
        """rank M: the negative eigenvalues that every split adds, whatever α."""
        return int((torch.linalg.svdvals(self.M) > self.M_zero).sum())

    @property
    def curvatures(self) -> Tensor:
        """Eigenvalues of S on ker M, ascending: their signs times the sign of α(1−α) are the rest."""
        null = torch.linalg.svd(self.M)[2][self.rank :]  # rows span ker M
        return torch.linalg.eigvalsh(null @ self.S @ null.T)

    def matrix(self, fractions: Sequence[float]) -> Tensor:
        """Q itself for shares (f_1, …, f_k): ((k−1)(d + next width)) squared."""
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
        size = torch.cat([torch.linalg.svdvals(self.M) / self.M_zero, self.curvatures.abs() / self.S_zero])
        return Inertia(
            negative,
            len(F) * sum(self.M.shape) - negative - positive,
            positive,
            tolerance=RELATIVE_ZERO,
            largest_zero=RELATIVE_ZERO * float(size[size <= 1].max()) if bool((size <= 1).any()) else 0.0,
            smallest_nonzero=RELATIVE_ZERO * float(size[size > 1].min())
            if bool((size > 1).any())
            else math.inf,
        )

    def _shares(self, fractions: Sequence[float]) -> Tensor:
        f = torch.tensor(Split(0, 0, tuple(fractions)).fractions[1:], dtype=self.S.dtype)
        return torch.diag(f) - torch.outer(f, f)


def split_law(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    layer: int = 0,
    neuron: int = 0,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss,
) -> SplitLaw:
    """S and M of one neuron, from which the signs of every split of it follow.

    S = E[(c·e) σ''(z) x̃x̃ᵀ], M = E[e σ'(z) x̃ᵀ].

    net: any nn.Sequential of Linear and elementwise activations, at any point (critical or not; polish a
    critical point first: a zero that is only nearly one counts by its sign, here as in the Hessian).
    x: (n, inputs), y: what the loss takes, loss(output, y) a scalar. Raises ValueError for a layer or
    neuron that is not there, or a pre-activation at the kink of σ (no second derivative there).
    Source: derived in the chapter on section 1.3; at scalar output it contains JML22 theorem 6.2.

    >>> from epbook.networks import two_layer
    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> split_law(two_layer(1, 2, activation=nn.Tanh), x, x).M.shape
    torch.Size([1, 2])
    """
    hidden_neuron(layers(net), layer, neuron)
    stack = layers(net)
    with torch.no_grad():
        given = x
        for below in stack[:layer]:
            given = below(given)
        pre = stack[layer].affine(given)
        out = pre if stack[layer].activation is None else stack[layer].activation(pre)
        following = stack[layer + 1].affine(out)
    with torch.enable_grad():
        following.requires_grad_(True)
        out = following
        for index, above in enumerate(stack[layer + 1 :]):
            out = above.affine(out) if index else out
            out = out if above.activation is None else above.activation(out)
        (e,) = torch.autograd.grad(loss(out, y), following)  # (n, next width), 1/n included
    facts = activation_of(stack[layer].activation)
    z = pre[:, neuron]
    for kink in facts.kinks:
        if not bool(((z - kink).abs() < NEAR_KINK).any()):
            continue
        sample = int((z - kink).abs().argmin())
        raise ValueError(
            f"sample {sample} lies on the kink of {facts.name} (pre-activation {z[sample].item():.3g}): "
            "the Hessian does not exist there"
        )
    biased = stack[layer].bias is not None
    inputs = torch.cat([given, torch.ones_like(given[:, :1])], dim=1) if biased else given  # (n, d)
    c = stack[layer + 1].weight.detach()[:, neuron]
    first, second = facts.first(z), facts.second(z)
    S = (inputs * ((e @ c) * second)[:, None]).T @ inputs
    M = (e * first[:, None]).T @ inputs
    # The same sums without cancellation; e itself carries the rounding of the output it is computed from.
    size = inputs.norm(dim=1)
    error = e.abs().amax(dim=1) + out.detach().abs().max() / len(e)
    return SplitLaw(
        S=S.detach(),
        M=M.detach(),
        S_zero=RELATIVE_ZERO * float((error * c.abs().sum() * second.abs() * size**2).sum()),
        M_zero=RELATIVE_ZERO * float((error * first.abs() * size).sum()),
    )


def split_inertia(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    layer: int = 0,
    neuron: int = 0,
    alpha: float | None = None,
    fractions: Sequence[float] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss,
) -> Inertia:
    """How many negative, zero and positive Hessian eigenvalues a split adds, without splitting.

    In H(T^αθ) − In H(θ) = In Q_α, Q_α = [[α(1−α)S, Mᵀ], [M, 0]]; exact for any depth, θ, α and loss.

    Arguments as in `split` and `split_law`; alpha defaults to 1/2. Returns Inertia(negative, zero,
    positive). Raises what `split` and `split_law` raise. Source: chapter on section 1.3, exact inertia.

    >>> from epbook.data import tanh_teacher
    >>> from epbook.networks import two_layer
    >>> x, y = tanh_teacher()
    >>> sum(split_inertia(two_layer(1, 2, activation=nn.Tanh, std=1.0), x, y, alpha=0.3))
    3
    """
    if alpha is not None and fractions is not None:
        raise ValueError(f"give alpha or fractions, not both: got alpha={alpha!r}, fractions={fractions!r}")
    if fractions is None:
        alpha = 0.5 if alpha is None else float(alpha)
        fractions = (1 - alpha, alpha)
    return split_law(net, x, y, layer=layer, neuron=neuron, loss=loss).added(fractions)
