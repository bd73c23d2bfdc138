"""One place of the atlas where a wide network can rest: a function, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.critical import Inertia
from epbook.networks import augmented
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class Station(Result):
    """A critical point of a narrow network, finite or at infinity, as a function on the data.

    f(x) = Σ_j a_j tanh(w_j·x + b_j), and + s·[x; 1] where `linear`: the limit of one more neuron with w → 0
    and a·w → s, which no finite network of tanh neurons reaches.

    name: unique in its atlas. width: tanh neurons, the linear one not counted. outputs: (n, outputs), f at
    the data. loss: R. inertia: of the Hessian; at infinity of that in the parameters (w, b, a, s), where s
    stands for the linear neuron. net: the tanh neurons as a network, None for width 0. slope: s, (outputs,
    inputs + 1), None unless linear. hits: starts that ended here.
    Source: Ballard et al. (2017) for maps of minima and saddles; points at infinity as stations are ours.
    """

    name: str
    width: int
    linear: bool
    outputs: Tensor
    loss: float
    inertia: Inertia | None = None
    net: nn.Sequential | None = None
    slope: Tensor | None = None
    hits: int = 0

    def __call__(self, x: Tensor) -> Tensor:
        """The function at any x (n, inputs), as at the data."""
        value = torch.zeros(len(x), self.outputs.shape[1], dtype=torch.float64)
        if self.net is not None:
            value = value + self.net(x).detach()
        if self.slope is not None:
            value = value + augmented(x) @ self.slope.T
        return value

    def __repr__(self) -> str:
        end = " + linear" if self.linear else ""
        counts = "no inertia" if self.inertia is None else str(tuple(self.inertia))
        return f"Station({self.name!r}, width {self.width}{end}, loss={self.loss:.6g}, {counts})"
