"""Where wide runs dwell, told by functions and not by losses: which station, and how near."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epbook.atlas.station import Station
from epbook.checks import positive, table
from epbook.results import Result
from epbook.training import Runs


@dataclass(frozen=True, eq=False)
class Visit(Result):
    """One run beside the stations: at each kept step its loss, its pace, and how far each station is.

    steps, losses: (k,), the kept steps of the run after the first. log_time: (k,), the part of
    log10(step) that each of them stands for. pace: (k,), |d log10 R / d log10 step|. apart: (k, stations),
    ‖f − s‖ / ‖f − y‖ on the data: how far the run's function is from the station's, in residuals. dwells:
    (k,), whether it stands still and has something left to fit. stations: their names.
    Source: this book, page on the atlas.
    """

    width: int
    seed: int
    steps: NDArray
    losses: NDArray
    log_time: NDArray
    pace: NDArray
    apart: NDArray
    dwells: NDArray
    stations: tuple[str, ...]

    @property
    def nearest(self) -> NDArray:
        """Number of the station whose function is nearest, (k,)."""
        return np.asarray(self.apart.argmin(axis=1))

    def stays(self, *, within: float = 0.1) -> list[tuple[str, NDArray]]:
        """The stations this run dwells at, in order, each with its kept steps, (n,) numbers into `steps`.

        A stay goes on while the run dwells and the nearest station is the same, no farther than `within`.
        """
        near = self.dwells & (self.apart.min(axis=1) <= positive(within, "within"))
        at = np.where(near, self.nearest, -1)
        parts = np.split(np.arange(len(at)), np.flatnonzero(np.diff(at)) + 1)
        return [(self.stations[at[part[0]]], part) for part in parts if at[part[0]] >= 0]


def visits(
    runs: Runs,
    x: Tensor,
    y: Tensor,
    *,
    stations: Sequence[Station],
    pace: float = 0.05,
    above: float = 1e-4,
) -> list[Visit]:
    """Compare every kept state of every run with every station, as functions on the data.

    apart = ‖f − s‖ / ‖f − y‖; a run dwells where |d log10 R / d log10 step| < pace and R > above.

    Equal losses are no sign of equal functions: two stations may share a loss and be far apart, so that
    losses are never compared here.
    runs: of `train_many` with `keep_at`, at least three steps after step 0, best evenly spaced in log step.
    x: (n, d), y: (n, k), the data of training. stations: with `outputs` (n, k) on the same data.
    Returns a `Visit` per net that did not diverge. Raises ValueError where the data do not fit the runs or
    the stations, fewer than three states were kept, or a number is out of range.
    Source: this book, page on the atlas; the spectrum of losses is the textbook's, section 1.1.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> zero = ep.atlas.Station("zero", 0, False, torch.zeros_like(y), (y**2).mean().item())
    >>> settings = {"lr": 0.05, "std": 1e-4, "activation": "tanh", "keep_at": [10, 20, 30]}
    >>> runs = ep.train_many([5], 1, x, y, steps=30, **settings)
    >>> [visit] = visits(runs, x, y, stations=[zero])
    >>> visit.stays()[0][0], bool(visit.dwells.all())
    ('zero', True)
    """
    points, targets = torch.from_numpy(table(x, "x")), torch.from_numpy(table(y, "y"))
    if (points.shape[1], targets.shape[1]) != (runs.inputs, runs.outputs) or len(points) != len(targets):
        raise ValueError(
            f"x {tuple(points.shape)} and y {tuple(targets.shape)} are not the data of these runs, which "
            f"have {runs.inputs} inputs and {runs.outputs} outputs"
        )
    known = _outputs(stations, targets)
    pace, above = positive(pace, "pace"), positive(above, "above")
    found = []
    for (width, seed), record in sorted(runs.records.items()):
        if record.diverged is not None:
            continue
        steps = np.array([step for step in sorted(record.kept) if step > 0])
        if len(steps) < 3:
            raise ValueError(
                f"width {width}, seed {seed} kept {len(steps)} states after step 0; to see where it dwells "
                "train it with keep_at = at least three steps"
            )
        with torch.no_grad():
            f = torch.stack([runs.at(int(step), width, seed)(points) for step in steps]).flatten(1).numpy()
        residual = np.linalg.norm(f - targets.flatten().numpy(), axis=1)
        losses, time = residual**2 / targets.numel(), np.log10(steps)
        tiny = np.finfo(float).tiny
        speed = np.abs(np.gradient(np.log10(np.fmax(losses, tiny)), time))
        apart = np.linalg.norm(f[:, None] - known, axis=2) / np.fmax(residual, tiny)[:, None]
        dwells = (speed < pace) & (losses > above)
        names = tuple(station.name for station in stations)
        weight = np.gradient(time)
        found.append(Visit(width, seed, steps, losses, weight, speed, apart, dwells, names))
    return found


def explained(
    found: Iterable[Visit], within: float, *, among: Callable[[str], bool] = lambda name: True
) -> float:
    """The part of all dwelling log-time that the runs spend within a distance of one of the stations.

    Σ log-time of {dwells and min_s ‖f − s‖ ≤ within · ‖f − y‖} / Σ log-time of {dwells}.

    found: of `visits`. within: in residuals, 0.1 for a tenth. among: which stations count, by name.
    Returns a number from 0 to 1; with no station among them 0. Raises ValueError where no run dwells at all.
    Source: this book, page on the atlas.

    >>> import epbook as ep
    >>> x, y = ep.data.relu_teacher()
    >>> zero = ep.atlas.Station("zero", 0, False, torch.zeros_like(y), (y**2).mean().item())
    >>> settings = {"lr": 0.05, "std": 1e-4, "activation": "tanh", "keep_at": [10, 20, 30]}
    >>> runs = ep.train_many([5], 1, x, y, steps=30, **settings)
    >>> seen = visits(runs, x, y, stations=[zero])
    >>> explained(seen, 0.1), explained(seen, 0.1, among=lambda name: name != "zero")
    (1.0, 0.0)
    """
    within = positive(within, "within")
    near = total = 0.0
    for visit in found:
        chosen = [number for number, name in enumerate(visit.stations) if among(name)]
        closest = visit.apart[:, chosen].min(axis=1, initial=np.inf)
        near += float(visit.log_time[visit.dwells & (closest <= within)].sum())
        total += float(visit.log_time[visit.dwells].sum())
    if total == 0:
        raise ValueError("no run dwells at any kept step: keep more steps, or allow a larger pace")
    return near / total


def _outputs(stations: Sequence[Station], targets: Tensor) -> NDArray:
    """The stations' functions, a row each. Raises ValueError for none, shared names, and other data."""
    names = [station.name for station in stations]
    if not names or len({*names}) < len(names):
        raise ValueError(f"stations must be one or more, with a name each of its own, got {names}")
    for station in stations:
        if station.outputs.shape != targets.shape:
            raise ValueError(
                f"station {station.name!r} has outputs {tuple(station.outputs.shape)}, the data "
                f"{tuple(targets.shape)}: build the atlas on the same x and y"
            )
    return np.stack([station.outputs.double().flatten().numpy() for station in stations])
