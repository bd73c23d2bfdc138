"""Growing a network stage by stage: train, split where the law gains most, train again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from epbook.checks import choice, finite, whole
from epbook.given import differentiable, layers, read, refuse_meta
from epbook.growing.fit import OPTIMISERS, Fit, fit
from epbook.growing.ways import WAYS, Ground
from epbook.losses import Loss, mse_loss
from epbook.networks import hidden, sequential
from epbook.progress import progress
from epbook.results import Result


@dataclass(frozen=True)
class Stage:
    """One width of a growing network, after its training.

    loss: R. cost: evaluations × hidden neurons, this stage alone, the choice of the split included.
    neurons: which were split to get here; eigenvalue: of the best of them, step: its ε (NaN where nothing
    was measured). Source: this book, page on growing.
    """

    width: int
    loss: float
    cost: int
    neurons: tuple[int, ...] = ()
    eigenvalue: float = math.nan
    step: float = math.nan


@dataclass(frozen=True, eq=False)
class Growth(Result):
    """What `grow` made: the last network, all stages, and why it ended.

    net: new, of the type and device that came in. status: "width reached", "exact" (the loss is below
    `enough`), "no way down" (no neuron has a negative eigenvalue) or "diverged"; reason: the same in words.
    Source: this book, page on growing.
    """

    net: nn.Sequential
    stages: tuple[Stage, ...]
    status: str
    reason: str

    @property
    def loss(self) -> float:
        """R of the last stage."""
        return self.stages[-1].loss

    @property
    def cost(self) -> int:
        """Evaluations of loss and gradient × hidden neurons, over all stages."""
        return sum(stage.cost for stage in self.stages)


def grow(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    width: int | Sequence[int],
    by: str = "Q",
    layer: int = 0,
    optimiser: str = "L-BFGS",
    steps: int | Sequence[int] = 1500,
    lr: float = 2e-3,
    enough: float = 0.0,
    seed: int = 0,
) -> Growth:
    """Grow one hidden layer: train, split the neurons that gain most, train again.

    The neuron of the least eigenvalue of [[S/2, Mᵀ], [M, 0]] becomes two halves that move apart along its
    eigenvector, by the ε of least loss among .03, .1, .3, 1, 3 (in units of the data).

    net, x (n, inputs), y, loss: as in `ep.hessian`. width: the width at the end, one new neuron a stage; or
    the widths of all stages, each at most twice the one before. by: "Q"; "S" (the splitting matrix alone);
    "signed" (also shares −1/2, 3/2); "look-ahead" (a short training of every neuron and sign); "copy"
    (random halves with 1 % of noise); "gradient" and "random" (new neurons, the one with the largest
    gradient of 100, or the first). layer: the hidden layer that grows. optimiser, steps, lr: as in `fit`;
    steps for every stage, or one number for each. enough: stop at this loss. seed: of what is drawn.
    Returns a `Growth`. Raises ValueError for widths that do not grow, or more than double, and for options
    out of range. Source: Wu, Wang and Liu 2019 ("S"); this book, page on growing.

    >>> import epbook as ep
    >>> x, y = ep.data.tanh_teacher()
    >>> grown = grow(ep.two_layer(1, 1, activation=nn.Tanh, std=1.0), x, y, width=2)
    >>> [stage.width for stage in grown.stages], grown.stages[1].loss < grown.stages[0].loss
    ([1, 2], True)
    """
    given = read(net, x, y, loss=loss)
    refuse_meta(given.layers)
    way = WAYS[choice(by, "by", WAYS)]
    choice(optimiser, "optimiser", OPTIMISERS)
    enough, seed = finite(enough, "enough"), whole(seed, "seed", 0)
    widths = _widths(hidden(given.layers, layer), width)
    counts = _steps(steps, len(widths))

    x, y = given.x.cpu(), given.y.cpu()

    def trained(at: nn.Sequential, stage: int) -> Fit:
        options = {"optimiser": optimiser, "lr": lr, "enough": enough}
        return fit(at, x, y, loss=given.loss, steps=counts[stage], **options)  # type: ignore[arg-type]

    here = trained(sequential(given.layers).cpu(), 0)
    stages = [Stage(widths[0], here.loss, here.cost)]
    status, reason = "width reached", f"{widths[-1]} neurons in layer {layer}"
    for number, wider in enumerate(progress(widths[1:], label="growing"), start=1):
        if here.loss <= enough or not math.isfinite(here.loss):
            break
        with differentiable():
            ground = Ground(here.net, x, y, given.loss, layer, (seed, number))
            grown = way(ground, wider - widths[number - 1])
        if grown is None:
            status, reason = "no way down", f"no neuron of {widths[number - 1]} has a negative eigenvalue"
            break
        here = trained(grown.net, number)
        found = hidden(layers(here.net), layer), here.loss, grown.cost + here.cost
        stages.append(Stage(*found, grown.neurons, grown.value, grown.step))
    if not math.isfinite(here.loss):
        status, reason = "diverged", f"the loss is {here.loss} at width {stages[-1].width}"
    elif here.loss <= enough:
        status, reason = "exact", f"the loss {here.loss:.1e} is not above {enough:.1e}"
    return Growth(given.network(read(here.net).layers), tuple(stages), status, reason)


def _widths(now: int, width: int | Sequence[int]) -> list[int]:
    """The widths of all stages, the present one first."""
    if isinstance(width, Sequence):
        widths = [now, *(whole(each, "each width", 1) for each in width)]
    else:
        last = whole(width, "width", 1)
        widths = [now, *(range(now + 1, last + 1) if last > now else [last])]
    if len(widths) == 1:
        raise ValueError("width is empty: name the widths of the stages")
    for old, new in pairwise(widths):
        if not old < new <= 2 * old:
            raise ValueError(
                f"each width must be above the one before and at most twice it, since a stage splits every "
                f"neuron at most once: {old} is followed by {new}"
            )
    return widths


def _steps(steps: int | Sequence[int], stages: int) -> list[int]:
    counts = list(steps) if isinstance(steps, Sequence) else [steps] * stages
    if len(counts) != stages:
        raise ValueError(f"steps must be one number, or one for each of {stages} widths, got {steps!r}")
    return [whole(count, "steps", 0) for count in counts]
