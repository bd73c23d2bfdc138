"""The theorem on a network of your own: what it says beside what is counted after the split."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.critical import Inertia, inertia
from epbook.losses import Loss, mse_loss
from epbook.units.dense import dense_hessian
from epbook.units.law import split_law
from epbook.units.parts import Units
from epbook.units.problem import Problem
from epbook.units.read import read
from epbook.units.split import split
from epbook.units.which import choose, one_of


@dataclass(frozen=True)
class Trial:
    """One split: how well output and gradient keep the theorem, and its inertia, predicted and counted.

    output: max |f_wide − f| / max |f|. gradient: the same of ∇R(Tθ) against (f_i ∇_w, ∇_C, the rest).
    narrow: In H(θ). predicted: In H(θ) + In Q. counted: In H(Tθ), from its eigenvalues.
    decided: whether no sign on either side is left open by rounding. Source: the page on units.
    """

    shares: tuple[float, ...]
    narrow: tuple[int, int, int]
    output: float
    gradient: float
    predicted: tuple[int, int, int]
    counted: Inertia
    decided: bool

    @property
    def exact(self) -> bool:
        """Whether all three counts agree."""
        return tuple(self.counted) == self.predicted


def verify(
    net: nn.Module,
    x: Tensor,
    y: Tensor,
    fractions: Sequence[Sequence[float]],
    *,
    loss: Loss = mse_loss,
    units: str | Units | None = None,
    unit: int = 0,
) -> list[Trial]:
    """Split a unit in each of the given ways and compare with the theorem: output, gradient, inertia.

    In H(Tθ) = In H(θ) + In Q, counted from the dense Hessians of both networks: for small ones.

    fractions: the shares (f_1, …, f_k) of each trial. x, y and the rest as in `split_law`. Raises what
    `split_law` and `split` raise. Source: the page on units.

    >>> net = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1)).double()
    >>> x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    >>> [trial.output < 1e-13 for trial in verify(net, x, x**2, [(0.7, 0.3), (3.0, -1.0, -1.0)])]
    [True, True]
    """
    family = choose(net, units)
    unit = one_of(family, unit)
    net = copy.deepcopy(net).double()  # or a split in float32 would be compared with a law in float64
    law = split_law(net, x, y, loss=loss, units=family, unit=unit)
    narrow = read(net, x, y, loss=loss)
    before, H = narrow.output(narrow.values).detach(), inertia(dense_hessian(narrow))
    trials = []
    for shares in fractions:
        wide = read(split(net, units=family, unit=unit, fractions=shares), x, y, loss=loss)
        added, counted = law.added(shares), inertia(dense_hessian(wide))
        after = wide.output(wide.values).detach()
        trials.append(
            Trial(
                shares=tuple(shares),
                narrow=(H.negative, H.zero, H.positive),
                output=float((after - before).abs().max() / before.abs().max()),
                gradient=_gradient_error(narrow, wide, family, unit, shares),
                predicted=tuple(a + b for a, b in zip(H, added, strict=True)),  # type: ignore[arg-type]
                counted=counted,
                decided=H.decided and counted.decided and added.smallest_nonzero > 100 * added.tolerance,
            )
        )
    return trials


def _gradient_error(
    narrow: Problem, wide: Problem, family: Units, unit: int, shares: Sequence[float]
) -> float:
    before = torch.func.grad(narrow.risk)(narrow.values)
    after = torch.func.grad(wide.risk)(wide.values)
    wanted = dict(before)
    for part in family.incoming + family.outgoing:
        piece = part.take(before[part.name], unit)
        if part in family.incoming:
            wanted[part.name] = part.put(wanted[part.name], unit, shares[0] * piece)
            pieces = [share * piece for share in shares[1:]]
        else:
            pieces = [piece] * (len(shares) - 1)
        wanted[part.name] = part.join(wanted[part.name], pieces)
    worst = max(float((after[name] - wanted[name]).abs().max()) for name in after)
    return worst / max(float(value.abs().max()) for value in wanted.values())
