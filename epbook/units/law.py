"""The law of a split for every kind of unit: two matrices by torch.func, and the signs that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from epbook.critical import Inertia
from epbook.embedding import SplitLaw
from epbook.embedding.split import shares
from epbook.given import differentiable
from epbook.losses import Loss, mse_loss
from epbook.units.check import refuse_no_units
from epbook.units.parts import Units
from epbook.units.read import read
from epbook.units.rounding import EPS, largest, spread
from epbook.units.which import choose, one_of

# What the draws of the rounding show is multiplied by this before something counts as not zero.
SAFETY = 30.0


def law_matrices(
    g: Callable[[Tensor, Tensor], Tensor], C: Tensor, w: Tensor, *, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """(S, M) of a function g(C, w) that is linear in C: all that the law of a split needs.

    S = ∂²g/∂w², (d, d); M = ∂²g/∂C∂w, (k, d).

    C: (k,), w: (d,), g: one number. chunk: rows at a time, to save memory. Raises what `torch.func` raises.
    Source: the page on units.

    >>> C, w = torch.tensor([2.0]), torch.tensor([3.0])
    >>> [part.item() for part in law_matrices(lambda C, w: (C * w**2).sum(), C, w)]
    [4.0, 6.0]
    """
    turned, S = torch.func.jacrev(torch.func.grad(g, argnums=1), argnums=(0, 1), chunk_size=chunk)(C, w)
    return S, turned.T


def split_law(
    net: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    units: str | Units | None = None,
    unit: int = 0,
    chunk: int | None = None,
) -> SplitLaw:
    """S and M of one unit of any kind, from which the signs of every split of it follow.

    g(C, w) = ⟨e, C φ(x; w)⟩ with e = ∂R/∂(the sum) frozen: S = ∂²g/∂w², M = ∂²g/∂C∂w.

    net: any nn.Module, at any point where φ and what follows are twice differentiable (away from kinks and
    from ties of max pooling). x, y: of any shape that the network and the loss take. units: the family, by
    its name in `ep.units.find(net)` or as `named` gives it; may be left out where there is one only. unit:
    its number. chunk: rows of S at a time. What counts as zero is measured: S and M are computed again with
    every operation's last digits at random. Returns a `SplitLaw`, in float64. Raises ValueError for a family
    or unit that is not there, units that enter more than one sum or are none on these data (as `named` checks
    them), data that do not fit, and a point at a kink. Source: the page on units.

    >>> net = nn.Sequential(nn.Conv1d(1, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(9, 1))
    >>> x = torch.linspace(-1, 1, 8).view(2, 1, 4)
    >>> split_law(net, x, torch.zeros(2, 1), units="0").M.shape
    torch.Size([3, 3])
    """
    family = choose(net, units)
    unit = one_of(family, unit)
    problem = read(net, x, y, loss=loss)
    problem.refuse_kinks()
    refuse_no_units(net, problem, family, [unit])
    w, C = family.vectors(problem.values, unit)

    def both() -> tuple[Tensor, Tensor]:
        e = problem.slope(family.sum_at)

        def g(C: Tensor, w: Tensor) -> Tensor:
            values = family.replaced(problem.values, unit, w, C)
            return (e * problem.sum(values, family.sum_at)).sum()

        with differentiable():
            S, M = law_matrices(g, C, w, chunk=chunk)
        return ((S + S.T) / 2).detach(), M.detach()

    S, M = both()
    S_error, M_error = spread(both, (S, M))
    singular = torch.linalg.svdvals(M)
    M_zero = SAFETY * max(M_error, EPS * float(singular.max()), torch.finfo(torch.float64).tiny)
    # A kernel of M that is known to δ lets other curvatures in: 2‖S‖δ/σ, σ the least that is not zero.
    least, size = singular[singular > M_zero], largest(S)
    leak = 2 * size * M_error / float(least.min()) if len(least) else 0.0
    floor = EPS * size + torch.finfo(torch.float64).tiny
    return SplitLaw(S, M, torch.ones_like(w), SAFETY * max(S_error + leak, floor), M_zero)


def split_inertia(
    net: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    units: str | Units | None = None,
    unit: int = 0,
    alpha: float | None = None,
    fractions: Sequence[float] | None = None,
) -> Inertia:
    """How many negative, zero and positive Hessian eigenvalues the split of a unit adds.

    In H(Tθ) − In H(θ) = In Q, Q = [[F ⊗ S, I ⊗ Mᵀ], [I ⊗ M, 0]], F = diag(f) − ffᵀ; exact at every θ.

    x, y and the rest as in `split_law` and `split`; alpha defaults to 1/2. Returns Inertia(negative, zero,
    positive). Raises what these two raise. Source: the page on units.

    >>> net = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1))
    >>> x = torch.linspace(-1, 1, 5)[:, None]
    >>> sum(split_inertia(net, x, x, alpha=0.3))
    3
    """
    shared = shares(alpha, fractions)
    return split_law(net, x, y, loss=loss, units=units, unit=unit).added(shared)
