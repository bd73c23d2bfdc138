"""The list itself: searches width by width, and the check that what is found twice is listed once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.atlas.infinity import beyond_linear, linear_part
from epbook.atlas.starts import search_at_infinity
from epbook.atlas.station import Station
from epbook.checks import positive, whole
from epbook.critical import CriticalPoint, CriticalPoints, Inertia, find_critical, find_critical_points
from epbook.given import layers, read
from epbook.losses import mse_loss
from epbook.networks import augmented
from epbook.reduction import reduce
from epbook.results import Result

# Two points with outputs closer than this, in units of ‖y‖, are one station: the finder solves to 1e-10 and
# better, and no two stations of the pages come nearer than 1e-3.
SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Atlas(Result):
    """All stations that were found, by width, finite ones first, then by falling loss.

    found: (width, linear) → what the starts there ended in, reducible points included. met: (width, linear)
    → name → how many starts of that width ended there, after cutting. late: names of stations that no start
    of their own width met, only those of a wider network, from which they were cut. dropped: points that
    the finder vouched for and that, cut, are none of the stations; if there is none, the list is closed
    under cutting.
    Source: the diagrams of Ballard et al. (2017) and of EP21, figure 4; the points at infinity are ours.
    """

    stations: tuple[Station, ...]
    found: dict[tuple[int, bool], CriticalPoints]
    met: dict[tuple[int, bool], dict[str, int]]
    late: tuple[str, ...]
    dropped: tuple[Station, ...]

    def __getitem__(self, name: str) -> Station:
        for station in self.stations:
            if station.name == name:
                return station
        raise KeyError(f"no station {name!r}; there are {', '.join(s.name for s in self.stations)}")

    def __len__(self) -> int:
        return len(self.stations)

    def unseen(self, width: int, *, linear: bool = False) -> float:
        """The probability that the next start that ends at a point ends where no start of this kind has.

        n₁/n, the stations that one start met over the starts that met any: Good and Turing's estimate.

        width: tanh neurons of the starts; linear: one more, at infinity. Raises ValueError where no start of
        this kind met a station. Source: Good (1953).

        >>> import epbook as ep
        >>> x, y = ep.data.relu_teacher()
        >>> survey(x, y, starts=[10], at_infinity=[]).unseen(1)
        0.0
        """
        hits = self.met.get((width, linear), {}).values()
        if not hits:
            raise ValueError(f"no start with {width} neurons, linear={linear}, met a station: start more")
        return sum(number == 1 for number in hits) / sum(hits)


def survey(
    x: Tensor, y: Tensor, *, starts: Sequence[int], at_infinity: Sequence[int], seed: int = 0
) -> Atlas:
    """The stations of a wide tanh network on these data: critical points of narrow ones, and at infinity.

    x: (n, d), y: (n, o). starts: how many for width 1, 2, …; at_infinity: how many for 1, 2, … tanh
    neurons beside a linear one. Every point found is cut to its smallest network (copies merged, silent
    neurons left out), so the stations are irreducible; a point that is cut to one of a smaller width which
    no start of that width had met is added there, and named in `late`. A point that is not isolated, as
    only the data can make it, is listed without inertia if two starts met it; met once it is not, and told
    in `dropped` where the finder vouched for it. A station met again in a wider network has the hits of
    both. Nothing says that the list is complete: see the hits and `Atlas.unseen`.
    Returns an `Atlas`. A start that ends at the edge of what the finder vouches for counts or not as rounding
    falls, so hits may differ by one or two from run to run. Raises ValueError for bad data or counts.
    Source: Ballard et al. (2017), EP21 figure 4; this book, page on the atlas.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> [station.name for station in survey(x, y, starts=[10], at_infinity=[]).stations]
    ['0', '1a', '0∞']
    """
    read(nn.Sequential(nn.Linear(x.shape[1], y.shape[1])), x, y)
    kept: dict[bool, list[Station]] = {False: [_nothing(x, y, False)], True: [_nothing(x, y, True)]}
    found, ended, late, seed = {}, {}, [], whole(seed, "seed")
    for linear, counts in ((False, starts), (True, at_infinity)):
        listed = kept[linear]
        for width, count in enumerate((whole(c, "starts", 1) for c in counts), start=1):
            loose: list[nn.Sequential] = []
            if linear:
                points, loose = search_at_infinity(width, x, y, starts=count, seed=seed)
            else:
                points = find_critical_points(width, x, y, starts=count, seed=seed)
            found[width, linear] = points
            each_hits = zip(points, points.hits, strict=True)
            cut = [_cut(p.model, x, y, linear, hits, p) for p, hits in each_hits]
            before = len(listed)
            unsure: list[Station] = []  # not isolated, or on the way to yet another infinity
            for station in sorted(cut, key=lambda each: each.inertia is None):
                if not _known(station, listed, y):
                    (unsure if station.inertia is None else listed).append(station)
            ends = [_cut(net, x, y, linear, 1) for net in loose]
            ends = [each for each in ends if not _known(each, listed, y)]
            listed += _met_twice(unsure + ends, y)
            ended[width, linear] = cut + ends
            late += [each for each in listed[before:] if each.width < width]
    stations = _named(kept[False]) + _named(kept[True])
    names = tuple(each.name for each in stations if _known(each, late, y))
    met = {kind: _count(ends, stations, y) for kind, ends in ended.items()}
    dropped = [
        each
        for (width, linear), ends in ended.items()
        for each in ends[: len(found[width, linear])]
        if not _known(each, stations, y)
    ]
    total = {each.name: sum(of.get(each.name, 0) for of in met.values()) for each in stations}
    stations = [dataclasses.replace(each, hits=total[each.name]) for each in stations]
    return Atlas(tuple(stations), found, met, names, tuple(dropped))


def _known(station: Station, others: Sequence[Station], y: Tensor) -> bool:
    return any(same(each, station, y) for each in others)


def _count(ends: Sequence[Station], stations: Sequence[Station], y: Tensor) -> dict[str, int]:
    """Name → how many starts ended there, of those that any did."""
    hits = {each.name: sum(end.hits for end in ends if same(each, end, y)) for each in stations}
    return {name: number for name, number in hits.items() if number}


def _met_twice(unsure: Sequence[Station], y: Tensor) -> list[Station]:
    """Of points that are not isolated those that two starts met as one function.

    The data may leave weights free that no symmetry does: on a grid of four values per input, w is. A point
    on the way to another infinity is a new function at every start.
    """
    once = [each for at, each in enumerate(unsure) if not _known(each, unsure[:at], y)]
    return [each for each in once if sum(other.hits for other in unsure if same(each, other, y)) > 1]


def same(one: Station, other: Station, y: Tensor) -> bool:
    """Whether two stations are one: finite or infinite alike, and the same function on the data.

    y: (n, o), whose length measures the difference. Raises nothing of its own. Source: this book, page on
    the atlas: equal losses are not enough.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> same(Station("a", 0, False, 0 * y, 0.4), Station("b", 0, True, 0 * y, 0.4), y)
    False
    """
    return one.linear == other.linear and bool((one.outputs - other.outputs).norm() <= SAME * y.norm())


def smallest(net: nn.Sequential, x: Tensor, y: Tensor, *, linear: bool = False) -> nn.Sequential | None:
    """The smallest network with the output of a two-layer one on x, None where it needs no neuron at all.

    Copies, also with turned signs, are merged and silent neurons left out: `reduce` at a similarity of all
    but 1. linear: the output counts up to what is linear in x.
    x: (n, d), y: (n, o), whose length says what is nothing. Raises what `reduce` raises.
    Source: Sussmann (1992): otherwise a tanh network is determined by its function; Farrugia-Roberts (2023).

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> smallest(ep.split(net, alpha=0.3), x, y)[0].out_features
    2
    """
    f = net(x).detach()
    seen = f - _linear(x, f) if linear else f
    if bool(seen.norm() <= SAME * positive(float(y.norm()), "the length of y")):
        return None
    return reduce(net, similarity=1 - 1e-6, low_amplitude=1e-6)[0]


def _linear(x: Tensor, f: Tensor) -> Tensor:
    return augmented(x) @ linear_part(x, f).T


def _nothing(x: Tensor, y: Tensor, linear: bool) -> Station:
    """No tanh neuron: the zero function, or the best linear one."""
    slope = linear_part(x, y) if linear else None
    f = _linear(x, y) if linear else torch.zeros_like(y)
    return Station("", 0, linear, f, float(mse_loss(f, y)), _chart(Inertia(0, 0, 0), slope), slope=slope)


def _cut(
    net: nn.Sequential, x: Tensor, y: Tensor, linear: bool, hits: int, point: CriticalPoint | None = None
) -> Station:
    """The station of a network that is critical for its loss, cut; `point` is what the finder said of it."""
    small = smallest(net, x, y, linear=linear)
    if small is None:
        return dataclasses.replace(_nothing(x, y, linear), hits=hits)
    if point is None or layers(small)[0].width < layers(net)[0].width:
        point = find_critical(small, x, y, loss=beyond_linear(x) if linear else mse_loss)
    f = point.model(x).detach()
    slope = linear_part(x, y - f) if linear else None
    f = f + _linear(x, y - f) if linear else f
    width = layers(point.model)[0].width
    loss = float(mse_loss(f, y))
    return Station("", width, linear, f, loss, _chart(point.signs, slope), point.model, slope, hits)


def _chart(signs: Inertia | None, slope: Tensor | None) -> Inertia | None:
    """The inertia with s among the parameters: so many positive signs more as s has numbers."""
    if signs is None or slope is None:
        return signs
    return dataclasses.replace(signs, positive=signs.positive + slope.numel())


def _named(stations: Sequence[Station]) -> list[Station]:
    """Sorted and named by width, a letter by falling loss, and ∞ where one neuron is linear."""
    named: list[Station] = []
    for each in sorted(stations, key=lambda s: (s.width, -s.loss)):
        letter = "abcdefghijklmnopqrstuvwxyz"[sum(other.width == each.width for other in named)]
        name = f"{each.width}{letter if each.width else ''}{'∞' if each.linear else ''}"
        named.append(dataclasses.replace(each, name=name))
    return named
