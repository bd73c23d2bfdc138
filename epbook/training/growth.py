"""Where ReLU nets on a line rest if neurons grow out of nothing, one at a time: a tree without chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.checks import positive, table, whole
from epbook.networks import sequential
from epbook.progress import progress
from epbook.results import Result
from epbook.training.descent import Advance, Stop, stepper
from epbook.training.directions import Direction, directions
from epbook.training.record import State

TINY = 1e-3  # size of a neuron that begins to grow
BLOCK, MOST = 100_000, 1_000_000  # steps between two looks, and at most
STILL = 1e-4  # a net rests when its loss falls by no more than this part of it in a block
LEFT = 0.99  # and the new neuron has been felt: the loss is below this part of the last rest's
FITTED = 1e-8  # of the mean of y²: an exact fit, still on its way
FELT = 1e-3  # rates below this part of √R belong to rounding and to neurons that slide
SAME = 0.05  # radians and amplitude: neurons closer than this are one


@dataclass(frozen=True, eq=False)
class Rest(Result):
    """A place where the descent came to rest: its loss, its neurons, and how it was reached.

    hidden: (k, 2) rows (w, b); out: (k,) output weights. parent: number of the rest it was reached from, by
    a neuron that grew in direction `way`; both None for the zero function. share: that neuron's rate of
    growth as a part of the largest. fitted: nothing is left to fit. Source: see `growth_tree`.
    """

    loss: float
    hidden: NDArray
    out: NDArray
    parent: int | None = None
    way: Direction | None = None
    share: float = 1.0
    fitted: bool = False

    @property
    def width(self) -> int:
        """The number of neurons."""
        return len(self.out)

    def network(self) -> nn.Sequential:
        """The network, float64. Raises ValueError for the zero function, which has no neuron."""
        if self.width == 0:
            raise ValueError("the zero function has no neuron, so no network")
        hidden, out = torch.from_numpy(self.hidden.copy()), torch.from_numpy(self.out.copy())
        return sequential([(hidden[:, :1], hidden[:, 1], nn.ReLU()), (out[None], None, None)])

    def neurons(self) -> NDArray:
        """Angle and amplitude of each neuron, by angle, shape (k, 2)."""
        angle = np.arctan2(self.hidden[:, 1], self.hidden[:, 0])
        each = np.stack([angle, self.out * np.hypot(*self.hidden.T)], axis=1)
        return np.asarray(each[np.argsort(angle)])


def growth_tree(x: Tensor, y: Tensor, *, depth: int = 5, share: float = 0.5, lr: float = 0.05) -> list[Rest]:
    """Every rest that a ReLU net reaches when single neurons grow out of nothing, greedily, without chance.

    Begin with the zero function. At a rest, find the directions in which tiny neurons grow
    (`escape_directions`). For each whose rate is at least `share` of the largest, add one neuron of size
    10⁻³ there and descend, θ ← θ − lr ∇R, until the loss stands still: the next rest. Again, `depth` times.
    Rests of equal loss and equal neurons are listed once.

    x, y: (n, 1), finite. share: 0 to 1; at 1 only the fastest are followed (and its equals). lr: as in
    `train_many`. Returns the rests level by level, the zero function first; about a second for depth 5.
    Raises ValueError where data or an option is out of range.
    Source: greedy growth from saddle to saddle, Jacot et al. 2021 (arXiv 2106.15933); directions: Maennel,
    Bousquet & Gelly 2018 (arXiv 1803.08367). The comparison with the spectrum's lines is this book's.

    >>> import epbook as ep
    >>> rests = growth_tree(*ep.data.relu_teacher(), depth=2)
    >>> [(rest.width, round(float(np.log10(rest.loss)), 3)) for rest in rests]
    [(0, -0.43), (1, -1.563), (2, -1.585), (2, -3.16)]
    """
    points, targets = table(x, "x"), table(y, "y")
    if points.shape != targets.shape or points.shape[1] != 1:
        raise ValueError(f"x and y must both be of shape (n, 1), got {points.shape} and {targets.shape}")
    depth, lr = whole(depth, "depth", 1), positive(lr, "lr")
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1, got {share!r}")
    advance = stepper(points, targets, "relu", lr, Stop())
    size = float((targets**2).mean())
    rests = [Rest(size, np.empty((0, 2)), np.empty(0), fitted=size == 0)]
    level = [0]
    with progress(label="levels", total=depth) as bar:
        for _ in range(depth):
            first = len(rests)
            for number in level:
                for way, part in _ways(rests[number], points[:, 0], targets[:, 0], share):
                    left = LEFT * rests[number].loss
                    state, loss = _descend(advance, _grown(rests[number], way), left, FITTED * size)
                    found = Rest(loss, state[0], state[1][0], number, way, part, loss < FITTED * size)
                    if loss < left and not any(_same(found, known, size) for known in rests):
                        rests.append(found)
            level = [number for number in range(first, len(rests)) if not rests[number].fitted]
            bar.update()
    return rests


def _ways(rest: Rest, x: NDArray, y: NDArray, share: float) -> list[tuple[Direction, float]]:
    """The directions that are fast enough, each with its rate as a part of the largest."""
    output = np.maximum(np.outer(x, rest.hidden[:, 0]) + rest.hidden[:, 1], 0) @ rest.out
    ways = directions(x, output - y)
    felt = [way for way in ways if way.rate > FELT * np.sqrt(rest.loss)]
    # A little below, so that rounding does not decide between directions that are equal by symmetry.
    return [(way, way.rate / ways[0].rate) for way in felt if way.rate >= (share - 1e-9) * ways[0].rate]


def _grown(rest: Rest, way: Direction) -> State:
    """The net of a rest with one tiny neuron more."""
    orientation = np.array([[np.cos(way.angle), np.sin(way.angle)]])
    return np.vstack([rest.hidden, TINY * orientation]), np.append(rest.out, way.sign * TINY)[None]


def _descend(advance: Advance, state: State, left: float, fitted: float) -> tuple[State, float]:
    """Down to the next rest, and the loss there; a loss that is not below `left` has not got away."""
    losses = np.empty(BLOCK)
    for _ in range(MOST // BLOCK):
        advance(*state, losses)
        still = losses[-1] < left and abs(losses[0] - losses[-1]) < STILL * losses[-1]
        if still or losses[-1] < fitted:
            break
    return state, float(losses[-1])


def _same(one: Rest, other: Rest, size: float) -> bool:
    """Whether two rests are one: both fit, or equal losses and equal neurons."""
    if one.fitted or other.fitted:
        return one.fitted and other.fitted
    if one.width != other.width or abs(np.log(one.loss / other.loss)) > 10 * STILL:
        return False
    apart = np.abs(one.neurons() - other.neurons())
    apart[:, 0] = np.minimum(apart[:, 0], 2 * np.pi - apart[:, 0])
    return bool((apart[:, 0] < SAME).all() and (apart[:, 1] < SAME * np.sqrt(size)).all())
