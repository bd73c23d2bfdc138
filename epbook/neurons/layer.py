"""One hidden layer as the sum of its neurons, each with an orientation and an amplitude."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from epbook.activations import Activation, activation_of
from epbook.given import read, refuse_meta
from epbook.networks import Layer, hidden
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class Neurons(Result):
    """One hidden layer as the next one receives it, x ↦ Σ_k a_k σ(u_k·x̃), x̃ = [x; 1] where it has a bias.

    incoming: u = (w, b), shape (m, d + 1), or w alone, (m, d). outgoing: a, shape (m, outputs).
    bias: whether u ends with a bias. activation: σ, None for the identity.
    next_bias: what the next layer adds, (outputs,), or None.
    eps: relative precision of the number type that the weights came in; up to it they can be equal.
    Source: textbook section 1.1, equation (1.1).
    """

    incoming: Tensor
    outgoing: Tensor
    bias: bool
    activation: nn.Module | None
    next_bias: Tensor | None = field(default=None, repr=False)
    eps: float = field(default=torch.finfo(torch.float64).eps, repr=False)

    @classmethod
    def of(cls, layers: Sequence[Layer], layer: int, *, eps: float | None = None) -> Neurons:
        """The neurons of hidden layer `layer`. Raises ValueError where there is none of that number."""
        hidden(layers, layer)
        this, following = layers[layer], layers[layer + 1]
        found = cls(
            this.incoming,
            following.weight.T.contiguous(),
            this.bias is not None,
            this.activation,
            following.bias,
            torch.finfo(torch.float64).eps if eps is None else eps,
        )
        for values in (found.norm, found.strength):
            if not torch.isfinite(values).all():
                neuron = int((~torch.isfinite(values)).nonzero()[0])
                raise ValueError(
                    f"neuron {neuron} of layer {layer} has an amplitude beyond the largest float64: "
                    "scale its weights down"
                )
        return found

    def __len__(self) -> int:
        return len(self.incoming)

    @cached_property
    def sigma(self) -> Activation:
        """The facts of σ."""
        return activation_of(self.activation)

    @property
    def homogeneous(self) -> bool:
        """Whether σ(cz) = c σ(z) for all c > 0, so that the lengths of u can move into a."""
        return self.sigma.degree == 1

    @cached_property
    def norm(self) -> Tensor:
        """‖u_k‖, shape (m,)."""
        return lengths(self.incoming)

    @cached_property
    def orientation(self) -> Tensor:
        """Unit vectors û_k = u_k/‖u_k‖, (m, d) like u; of length 0 for a neuron without input."""
        return unit(self.incoming)

    @property
    def amplitude(self) -> Tensor:
        """Signed A_k = a_k‖u_k‖, shape (m, outputs); for ReLU a_k σ(u_k·x̃) = A_k σ(û_k·x̃)."""
        return self.outgoing * self.norm[:, None]

    @property
    def angle(self) -> Tensor:
        """Angle of (w, b) to the w-axis in [−π, π), in radians, shape (m,); for one input only."""
        inputs = self.incoming.shape[1] - self.bias
        if inputs != 1:
            raise ValueError(f"an angle needs one input, not {inputs}")
        bias = self.orientation[:, 1] if self.bias else torch.zeros_like(self.norm)
        angle = torch.atan2(bias, self.orientation[:, 0])
        return torch.where(angle >= math.pi, -math.pi, angle)

    @property
    def inner(self) -> Tensor:
        """v_k with a_k σ(u_k·x̃) = c_k σ(v_k·x̃): what two neurons must share to be merged.

        û_k where σ is homogeneous, else u_k itself, (m, d).
        """
        return self.orientation if self.homogeneous else self.incoming

    @property
    def outer(self) -> Tensor:
        """c_k with a_k σ(u_k·x̃) = c_k σ(v_k·x̃): A_k where σ is homogeneous, else a_k. (m, outputs)."""
        return self.amplitude if self.homogeneous else self.outgoing

    @cached_property
    def at_zero(self) -> float:
        """|σ(0)|."""
        return float(self.sigma.value(torch.zeros(1, dtype=torch.float64)).abs())

    @cached_property
    def gain(self) -> Tensor:
        """How large σ(v_k·x̃) can be per unit of ‖x̃‖, (m,): 1 where σ is homogeneous, else |σ(0)| + ‖u_k‖."""
        return torch.ones_like(self.norm) if self.homogeneous else self.at_zero + self.norm

    @property
    def strength(self) -> Tensor:
        """‖c_k‖·gain_k, (m,): what neuron k can contribute per unit of ‖x̃‖; ‖A_k‖ for homogeneous σ."""
        return lengths(self.outer) * self.gain

    def only(self, members: Sequence[int]) -> Neurons:
        """These neurons alone."""
        at = list(members)
        return replace(self, incoming=self.incoming[at], outgoing=self.outgoing[at])

    def sign(self, neuron: int, others: Sequence[int]) -> Tensor:
        """(k,), −1 for the `others` opposite to `neuron` where σ is odd, as −σ(−z) = σ(z); else 1."""
        opposite = self.orientation[list(others)] @ self.orientation[neuron] < 0
        return torch.where(opposite & self.sigma.odd, -1.0, 1.0).to(self.incoming.dtype)


def lengths(rows: Tensor) -> Tensor:
    """The Euclidean norm of each row; squares that leave the range of the numbers do no harm.

    ‖v‖ = s‖v/s‖ with s = max |v_i|.

    rows: (n, d). Returns (n,). Raises nothing of its own. Source: standard (hypot).

    >>> lengths(torch.tensor([[3e-200, 4e-200]], dtype=torch.float64)).tolist()
    [5e-200]
    """
    largest = rows.abs().amax(dim=1)
    scale = largest.where(largest > 0, 1.0)
    norm: Tensor = torch.linalg.vector_norm(rows / scale[:, None], dim=1)
    return scale * norm


def unit(rows: Tensor) -> Tensor:
    """Each row divided by its length; rows of zeros stay.

    v/‖v‖. rows: (n, d). Returns (n, d). Raises nothing of its own. Source: standard.

    >>> unit(torch.tensor([[0.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    largest = rows.abs().amax(dim=1, keepdim=True)
    rows = rows / largest.where(largest > 0, 1.0)
    norm: Tensor = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return rows / norm.where(norm > 0, 1.0)


def features(net: nn.Sequential, *, layer: int = 0) -> Neurons:
    """Orientation and signed amplitude of every neuron of a hidden layer.

    û_k = u_k/‖u_k‖ and A_k = a_k‖u_k‖ with u = (w, b), so that for ReLU a_k σ(u_k·x̃) = A_k σ(û_k·x̃).

    net: a Sequential of Linear and elementwise activations. Returns `Neurons`, m rows, float64, no units.
    Raises ValueError for a layer that is not there, and as `ep.layers` does.
    Source: textbook section 1.1, figure 1.3(b).

    >>> from epbook.networks import sequential
    >>> hidden = (torch.tensor([[3.0]]), torch.tensor([4.0]), nn.ReLU())
    >>> net = sequential([hidden, (torch.ones(1, 1), None, None)])
    >>> features(net).amplitude.item(), round(features(net).angle.item(), 3)
    (5.0, 0.927)
    """
    given = read(net)
    refuse_meta(given.layers)
    eps = max(torch.finfo(part.dtype).eps for part in net.parameters())
    return Neurons.of(given.layers, layer, eps=eps)
