"""What joins the stations: each split into a wider network, and the signs that it adds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from epbook.atlas.infinity import beyond_linear
from epbook.atlas.station import Station
from epbook.critical import Inertia, hessian, inertia
from epbook.embedding import critical_directions, plan, split_law
from epbook.losses import Loss, mse_loss
from epbook.networks import augmented
from epbook.results import Result

SHARES = ((0.5, 0.5), (-0.5, 1.5), (0.3, 0.3, 0.4))


@dataclass(frozen=True, eq=False)
class Edge(Result):
    """One split of one neuron of a station: the inertia that the law predicts and the one that is counted.

    Source: the law of the page on the embedding principle.
    """

    station: str
    neuron: int
    fractions: tuple[float, ...]
    predicted: tuple[int, ...]
    counted: Inertia

    @property
    def agrees(self) -> bool:
        """Whether the count is decided and as predicted."""
        return self.counted == self.predicted


def edges(
    stations: Iterable[Station], x: Tensor, y: Tensor, *, shares: Sequence[Sequence[float]] = SHARES
) -> tuple[Edge, ...]:
    """Split each tanh neuron of each station in each way, predict the inertia and count it.

    In H(Tθ) = In H(θ) + In Q, the count by the dense Hessian; at infinity with s among the parameters.

    x: (n, d), y: (n, o). shares: of the parts, each summing to 1. Returns one `Edge` for each split.
    Raises what `split_law` and `ep.split` raise. Source: the law of the page on the embedding principle.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> atlas = ep.atlas.survey(x, y, starts=[10], at_infinity=[])
    >>> [(edge.predicted, edge.agrees) for edge in edges(atlas.stations, x, y)]
    [((1, 1, 4), True), ((1, 1, 4), True), ((2, 2, 5), True)]
    """
    found = []
    for station in stations:
        if station.net is None or station.inertia is None:
            continue
        loss, extra = _loss(station, x)
        for neuron in range(station.width):
            law = split_law(station.net, x, y, loss=loss, neuron=neuron)
            for fractions in map(tuple, shares):
                told = tuple(a + b for a, b in zip(station.inertia, law.added(fractions), strict=True))
                step = plan.split(station.net, neuron=neuron, fractions=fractions)
                wide = step(station.net)
                null = critical_directions(station.net, step)
                signs = inertia(hessian(wide, x, y, loss=loss), null=null)
                counted = Inertia(signs.negative, signs.zero, signs.positive + extra, signs.undecided)
                found.append(Edge(station.name, neuron, fractions, told, counted))
    return tuple(found)


def _loss(station: Station, x: Tensor) -> tuple[Loss, int]:
    """The loss that it is critical for, and how many positive signs s adds."""
    if station.slope is None:
        return mse_loss, 0
    return beyond_linear(x), station.slope.numel()


def in_width(station: Station, width: int, x: Tensor, y: Tensor) -> Inertia:
    """The inertia of a station in a network of `width` neurons, by the law, without that Hessian.

    The neurons that it does not need are equal copies of its first one: In H + In Q. Without a neuron to
    copy they are silent (w = b = a = 0), and each adds rank M of both signs, M = E[e x̃ᵀ]; beside a linear
    neuron M = 0, so that nothing of second order leads down there.

    width: at least the neurons of the station, the linear one counted; at infinity the parameters of the
    further neurons are added, and the last one's a is out. x: (n, d), y: (n, o). Raises ValueError where
    width is too small or the inertia is not known. Source: the law of the page on the embedding principle.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> atlas = ep.atlas.survey(x, y, starts=[10], at_infinity=[])
    >>> [tuple(in_width(station, 3, x, y)) for station in atlas.stations]
    [(3, 3, 3), (2, 2, 5), (0, 6, 2)]
    """
    spare = width - station.width - station.linear
    if spare < 0:
        raise ValueError(f"{station!r} has {width - spare} neurons, more than width={width}")
    if station.inertia is None:
        raise ValueError(f"the inertia of {station!r} is not known: it is not isolated")
    if station.net is not None and spare:
        loss, _ = _loss(station, x)
        law = split_law(station.net, x, y, loss=loss, neuron=0)
        added = tuple(law.added([1 / (spare + 1)] * spare + [1 - spare / (spare + 1)]))
    else:
        M = 2 / y.numel() * (station.outputs - y).T @ augmented(x)
        rank = 0 if station.linear else int(torch.linalg.matrix_rank(M, atol=1e-10))
        size = sum(M.shape)
        added = (spare * rank, spare * (size - 2 * rank), spare * rank)
    negative, zero, positive = (a + b for a, b in zip(station.inertia, added, strict=True))
    return Inertia(negative, zero, positive)
