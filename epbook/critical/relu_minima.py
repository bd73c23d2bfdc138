"""Every local minimum of a ReLU net on points of a line, by exact piecewise least squares."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import comb, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.checks import table, whole
from epbook.critical.neuron_count import TOLERANCE, TWICE
from epbook.critical.ramp_network import network
from epbook.critical.ramp_search import search
from epbook.critical.ramps import Ramps, ramps
from epbook.progress import progress
from epbook.results import Result

_PORTION = 10_000  # fits between two looks for Ctrl-C: some hundredths of a second
_CLOSE = 1e-5
_EXACT = 1e-24  # of the largest target's square: a loss that is rounding alone


class Ramp(NamedTuple):
    """One neuron a·relu(w x + b), as far as a minimum needs it.

    low, high: its kink −b/w lies between these two samples, or on one if they are equal; −inf and inf for a
    neuron that is on at all samples. right: is it on to the right of its kink (w > 0)? sign: of a, 1 or −1.
    Source: textbook section 1.1.
    """

    low: float
    high: float
    right: bool
    sign: int


@dataclass(frozen=True, eq=False)
class ReluMinimum(Result):
    """A local minimum: its loss, and the neurons of a smallest net that has it.

    Source: textbook section 1.1.
    """

    loss: float
    neurons: tuple[Ramp, ...]

    @property
    def width(self) -> int:
        """The number of neurons."""
        return len(self.neurons)

    def network(self, x: Tensor, y: Tensor) -> nn.Sequential:
        """A network at this minimum, float64, for the data that it was found with.

        The output on the samples is determined; kinks and weights may not be. Raises ValueError where no net
        of these neurons is a least-squares fit of the data. Source: see `relu_minima`.

        >>> import epbook as ep
        >>> x, y = ep.data.relu_teacher()
        >>> best = min(relu_minima(x, y, pieces=1), key=lambda minimum: (minimum.width > 1, minimum.loss))
        >>> net = best.network(x, y)
        >>> print(f"{best.loss:.5f} {(net(x) - y).square().mean().item():.5f}")
        0.02733 0.02733
        """
        return network(self.neurons, table(x, "x").ravel(), table(y, "y").ravel())


def relu_minima(x: Tensor, y: Tensor, *, pieces: int, on_samples: bool = True) -> list[ReluMinimum]:
    """All local minima of Σ_j a_j relu(w_j x + b_j) with up to `pieces` neurons, and more that need more.

    Each output on the samples is listed once, with the least number of neurons that has it as a minimum.
    Complete, and the numbers of neurons exact, where that number is at most `pieces`. Also listed are the
    minima whose neurons are at most `pieces` *different* ramps, one or two of each: there a smaller number
    may exist. The zero function is among them, with no neuron.

    Why this is all. A ramp is what a neuron gives on the samples: known by the gap of its kink and the side
    on which it is on. With r the residuals and S these samples, ∇R = 0 and a ≠ 0 say
    Σ_S r = Σ_S r x = 0, for every ramp: the output is the least-squares fit of y by free lines on the sets S.
    A kink on a sample leaves one slope free, Σ_S r (x − kink) = 0, and stays there if the loss does not fall
    as it leaves to either side. These conditions suffice, since the loss is convex in the lines while no kink
    leaves its gap. A neuron with a = 0 or (w, b) = 0 can be taken away from a minimum. So all choices of
    ramps are fitted; a line that has its zero in its gap is one neuron, any line is two, of opposite signs.
    Where lines are linearly dependent, inequalities decide whether some way to write the fit has its kinks in
    place.

    x, y: (n, 1), n ≥ 3, x ascending and at least 1e-5 of its range apart, in any units. on_samples: with
    kinks on samples? If not, the list is that of the minima, and numbers of neurons, without such kinks.
    Returns them by falling loss. A number below 1e-9 of the largest target counts as zero. Some
    (4n)^pieces / pieces! choices, or (2n)^pieces / pieces! without kinks on samples: 2 s for 4 pieces, or
    5 without, at n = 20.
    Raises ValueError where the data are not such, or pieces is no whole number of at least 1.
    Source: textbook section 1.1 (the data); the convexity is that of least squares.

    >>> import epbook as ep
    >>> found = relu_minima(*ep.data.relu_teacher(5), pieces=1)
    >>> [(minimum.width, round(minimum.loss, 5)) for minimum in found if minimum.width < 2]
    [(0, 0.3805), (1, 0.2525), (1, 0.02875)]
    """
    most = whole(pieces, "pieces", 1)
    points, targets = _line(x, y)
    every = ramps((points - points[0]) / (points[-1] - points[0]), on_samples=on_samples)
    size = float(np.abs(targets).max()) or 1.0
    fits = _fits(every, targets / size, min(most, len(every.length)))
    kept = _smallest(fits)
    kept = kept[np.argsort(-fits.losses[kept], kind="stable")]
    rows = (part[kept].tolist() for part in (fits.losses, fits.choices, fits.signs))
    known = _neurons(every, points)
    found = []
    for loss, choice, signs in zip(*rows, strict=True):
        neurons = itertools.chain.from_iterable(map(known.__getitem__, zip(choice, signs, strict=True)))
        found.append(ReluMinimum(loss * size * size if loss > _EXACT else 0.0, tuple(neurons)))
    return found


def _line(x: Tensor, y: Tensor) -> tuple[NDArray, NDArray]:
    """The samples and targets as arrays, checked."""
    points, targets = table(x, "x"), table(y, "y")
    if points.shape != targets.shape or points.shape[1] != 1 or len(points) < 3:
        raise ValueError(
            f"x and y must be of one shape (n, 1) with n ≥ 3, got {points.shape} and {targets.shape}"
        )
    points, targets = points.ravel(), targets.ravel()
    for i in np.flatnonzero(np.diff(points) <= 0):
        raise ValueError(
            "x must be ascending, without repetition: sort x, and y with it; "
            f"x[{i}] is {points[i]}, x[{i + 1}] is {points[i + 1]}"
        )
    for i in np.flatnonzero(np.diff(points) < _CLOSE * np.ptp(points)):
        raise ValueError(
            f"samples must be {_CLOSE:.0e} of their range apart, or rounding decides on the kinks between "
            f"them: x[{i}] is {points[i]}, x[{i + 1}] is {points[i + 1]}"
        )
    return points, targets


class _Fits(NamedTuple):
    """A row for each fit; choices: its pieces, −1 for none; keys tell different outputs apart."""

    keys: NDArray
    losses: NDArray
    widths: NDArray
    choices: NDArray
    signs: NDArray


def _fits(every: Ramps, targets: NDArray, most: int) -> _Fits:
    """The fits by up to `most` pieces, that by no piece first."""
    n, total = len(targets), len(every.length)
    # Sums of the residuals with irregular weights: two fits that agree in all of them, and in the loss, are
    # the same. On even samples the sums alone do not tell: parts of multiples of one number are related.
    marks = np.modf(np.outer(np.arange(1, 5), np.arange(1, n + 1)) * 0.6180339887498949)[0]
    parts = [_table(1, most)]
    parts[0].keys[:], parts[0].losses[:], parts[0].widths[:] = marks @ targets, (targets**2).mean(), 0
    with progress(label="choices of ramps", total=sum(comb(total, k) for k in range(1, most + 1))) as bar:
        for count in range(1, most + 1):
            chosen, left = np.arange(count), comb(total, count)
            while left:
                portion = _table(min(left, _PORTION), most)
                found = search(every, targets, marks, chosen, *portion)
                parts.append(_Fits(*(part[:found].copy() for part in portion)))
                left -= len(portion.losses)
                bar.update(len(portion.losses))
    return _Fits(*map(np.concatenate, zip(*parts, strict=True)))


def _table(rows: int, most: int) -> _Fits:
    """Room for fits."""
    choices, signs = np.full((rows, most), -1, np.int16), np.zeros((rows, most), np.int8)
    return _Fits(np.empty((rows, 4)), np.empty(rows), np.empty(rows, np.int16), choices, signs)


def _smallest(fits: _Fits) -> NDArray:
    """For each output, the row of the fit with the fewest neurons, the first one of several."""
    group = np.zeros(len(fits.losses), np.int64)
    for key in (*fits.keys.T, fits.losses):
        order = np.lexsort((key, group))
        new = (np.diff(group[order]) > 0) | (np.diff(key[order]) > TOLERANCE)
        group[order] = np.append(0, np.cumsum(new))
    order = np.lexsort((fits.widths, group))
    first = np.append(True, np.diff(group[order]) > 0)
    return np.asarray(order[first])


def _neurons(every: Ramps, points: NDArray) -> dict[tuple[int, int], tuple[Ramp, ...]]:
    """The neurons of each piece with each sign; none for no piece."""
    known: dict[tuple[int, int], tuple[Ramp, ...]] = {(-1, 0): ()}
    gaps = np.append(points, [-inf, inf])[every.gap].tolist()
    for k, ((low, high), right) in enumerate(zip(gaps, every.right.tolist(), strict=True)):
        up, down = Ramp(low, high, right, 1), Ramp(low, high, right, -1)
        known[k, 1], known[k, -1], known[k, TWICE] = (up,), (down,), (up, down)
    return known
