"""Does training ever end at a local minimum that `relu_minima` does not list? Many small nets, many units.

    python -m tools.campaign.relu [count] [seed]

Nets of width 1 to 3 descend from random starts on random data. Each end is then made exact with what is
known of it alone, the samples on which its neurons are on: one least-squares step, with kinks that came to
lie beside a sample put on it. Where all neurons keep their samples, and the loss falls in none of many random
directions, the end is a local minimum, and its loss must be in the list for the same data in every unit.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

import epbook as ep

UNITS = [(1, 0, 1), (1e-5, 0, 1), (1, 0, 1e-10), (1, 1000, 1), (1, 0, 1e6), (-1e7, 3, 1e-3)]  # ·x + …, ·y
MARGIN = 1e-6  # of a pre-activation: nearer to a kink, an end is not decided


@dataclass
class Report:
    """What became of the ends, and the minima among them that the list lacks, as text."""

    ends: Counter = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)

    @property
    def minima(self) -> int:
        """The ends that are local minima."""
        return sum(number for kind, number in self.ends.items() if kind.startswith("minimum"))

    def __str__(self) -> str:
        ends = "".join(f"\n  {number:5d} {kind}" for kind, number in self.ends.most_common())
        return f"{self.ends.total()} ends:{ends}\n{len(self.missing)} minima are not listed" + "".join(
            f"\n  {text}" for text in self.missing[:10]
        )


def campaign(count: int = 400, seed: int = 0, *, steps: int = 20_000) -> Report:
    """Descend from `count` random starts, 20 for each data set; some seconds for 400."""
    rng = np.random.default_rng(seed)
    report = Report()
    for problem in range(-(-count // 20)):
        x, y = data(rng, problem)
        width = 1 + problem % 3
        starts = rng.normal(size=(3, min(20, count - 20 * problem), width))
        lists = [listed(x, y, width, units) for units in UNITS]
        for w, b, a in zip(*descend(starts, x, y, steps), strict=True):
            kind, loss, used = settle(w, b, a, x, y, rng)
            report.ends[kind] += 1
            if not kind.startswith("minimum"):
                continue
            for units, (losses, widths) in zip(UNITS, lists, strict=True):
                if not (np.abs(losses - loss) < 1e-9)[widths <= used].any():
                    report.missing.append(
                        f"loss {loss:.12g}, width {used}, units {units}: w={w.tolist()}, b={b.tolist()}, "
                        f"a={a.tolist()}, x={x.tolist()}, y={y.tolist()}"
                    )
    return report


def data(rng: np.random.Generator, problem: int) -> tuple[NDArray, NDArray]:
    """4 to 8 samples on [−1, 1], evenly or at random, and targets of size 1."""
    n = 4 + problem % 5
    x = np.linspace(-1, 1, n) if problem % 2 else np.sort(rng.uniform(-1, 1, n))
    y = rng.normal(size=n)
    if problem % 4 == 1:
        y = np.round(2 * y) / 2  # ties
    return x, y / (np.abs(y).max() or 1.0)


def listed(x: NDArray, y: NDArray, width: int, units: tuple) -> tuple[NDArray, NDArray]:
    """Losses, in units of the plain targets, and widths of the list for data in these units."""
    scale, shift, size = units
    order = np.argsort(scale * x)
    columns = (
        torch.from_numpy(np.ascontiguousarray(v[order]))[:, None] for v in (scale * x + shift, size * y)
    )
    found = ep.critical.relu_minima(*columns, pieces=width)
    return np.array([m.loss for m in found]) / size**2, np.array([m.width for m in found])


def descend(starts: NDArray, x: NDArray, y: NDArray, steps: int) -> NDArray:
    """Gradient descent on the mean squared error, all nets at once; starts: (w b a, nets, width)."""
    w, b, a = starts.copy()
    for step in range(steps):
        rate = 0.1 if step < steps // 2 else 0.02
        z = w[..., None] * x + b[..., None]
        on = z > 0
        residual = (a[..., None] * z * on).sum(axis=1) - y
        pull = 2 / len(x) * on * residual[:, None, :]
        slopes = (pull * x).sum(-1), pull.sum(-1)
        w, b, a = (
            w - rate * a * slopes[0],
            b - rate * a * slopes[1],
            a - rate * (w * slopes[0] + b * slopes[1]),
        )
    return np.stack([w, b, a])


def settle(w, b, a, x, y, rng) -> tuple[str, float, int]:
    """What an end is: its kind, the loss when made exact, the number of neurons that are on somewhere."""
    size = np.abs(w) + np.abs(b)
    alive = ((w[:, None] * x + b[:, None] > 0).any(axis=1)) & (np.abs(a) * size > 1e-4)
    w, b, a, size = w[alive], b[alive], a[alive], size[alive]
    near = np.abs((w[:, None] * x + b[:, None]) / size[:, None])
    for reach in (0.0, 1e-3, 3e-2):  # which kinks are put on the sample beside them
        pinned = np.where(near.min(axis=1) < reach, near.argmin(axis=1), -1)
        end = exact(w, b, a, x, y, pinned)
        if end is not None and stays(*end, x, y, rng):
            where = "with kinks on samples" if (pinned >= 0).any() else "with kinks between samples"
            return f"minimum {where}", mean_square(*end, x, y), len(a)
    return "not settled", np.nan, len(a)


def exact(w, b, a, x, y, pinned):
    """The least-squares fit by the neurons' lines on their samples, as a net; None where they leave these."""
    on = w[:, None] * x + b[:, None] > 0
    columns, lines = [], []
    for j, p in enumerate(pinned):
        if p < 0:
            columns += [on[j] * x, on[j] * 1.0]
            lines += [(j, 1.0, 0.0), (j, 0.0, 1.0)]
        else:
            on[j] = w[j] * (x - x[p]) > 0
            columns.append(on[j] * (x - x[p]))
            lines.append((j, 1.0, -x[p]))
    if not columns:
        return w, b, a
    A = np.array(columns).T
    now = np.array([a[j] * (w[j] if slope else b[j]) for j, slope, _ in lines])
    weights = now + np.linalg.lstsq(A, y - A @ now, rcond=1e-12)[0]
    w, b = np.zeros(len(a)), np.zeros(len(a))
    for weight, (j, slope, level) in zip(weights, lines, strict=True):
        w[j] += weight * slope
        b[j] += weight * level
    sign = np.sign(a)
    z = sign[:, None] * (w[:, None] * x + b[:, None])
    free = np.arange(len(x)) != pinned[:, None]
    keeps = np.where(on, z > MARGIN, z < -MARGIN)[free].all()
    return (sign * w, sign * b, sign) if keeps else None


def stays(w, b, a, x, y, rng) -> bool:
    """Whether no small random move lets the loss fall by more than its rounding."""
    loss = mean_square(w, b, a, x, y)
    moves = 1e-7 * rng.normal(size=(2000, 3, len(a)))
    moved = mean_square(*np.moveaxis(np.stack([w, b, a]) + moves, 1, 0), x, y)
    return bool((moved > loss - 1e-12).all())


def mean_square(w, b, a, x, y):
    """The loss of one net or of many."""
    z = np.maximum(w[..., None] * x + b[..., None], 0)
    return ((np.sum(a[..., None] * z, axis=-2) - y) ** 2).mean(axis=-1)


if __name__ == "__main__":
    print(campaign(*map(int, sys.argv[1:])))
