"""Gradient descent of one two-layer net, watched at every step in memory that does not grow with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from epbook.training import fused, relu_line

LOWEST, BINS_PER_DECADE, BINS = -5.0, 40, 200  # log10 loss on [−5, 0]
BLOCK = 8192

State = tuple[np.ndarray, np.ndarray]
"""A net's parameters: hidden (m, d + 1) with rows (w, b), and out (k, m)."""


@dataclass
class Record:
    """What is kept of one training run.

    counts: BINS + 2 numbers of steps, the first and last for losses below and above the bins.
    steps, losses: the loss curve on the logarithmic grid, up to the step of divergence.
    kept: states at the steps asked for; entered: first step with a loss in the band, and its state.
    final: the state at the end; diverged: the first step with a loss or weights that are not finite, or None.
    Of a net that diverges within its steps `final` is the last state at a multiple of BLOCK.
    """

    counts: np.ndarray
    steps: np.ndarray
    losses: np.ndarray
    final: State
    kept: dict[int, State] = field(default_factory=dict)
    entered: tuple[int, State] | None = None
    diverged: int | None = None


def grid(steps: int, points: int = 400) -> np.ndarray:
    """Steps at which the loss curve is kept: 0, 1, 2, … in even logarithmic distance up to `steps`."""
    return np.unique(np.concatenate([[0], np.geomspace(1, steps, points).round()]).astype(np.int64))


Advance = Callable[[np.ndarray, np.ndarray, np.ndarray], int]


def stepper(x: np.ndarray, y: np.ndarray, kind: str, lr: float) -> Advance:
    """The fastest kernel for these data, as advance(hidden, out, losses) in place."""
    if kind == "relu" and x.shape[1] == 1 and y.shape[1] == 1:
        order = np.argsort(x[:, 0], kind="stable")
        line, target = x[order, 0].copy(), y[order, 0].copy()
        return lambda hidden, out, losses: relu_line.advance(hidden, out, line, target, lr, losses)
    columns, targets = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
    number = fused.ACTIVATIONS.index(kind)
    return lambda hidden, out, losses: fused.advance(hidden, out, columns, targets, lr, losses, number)


def histogram(losses: np.ndarray) -> np.ndarray:
    """Counts of log10 loss in the BINS bins, with one more at each end for what lies outside."""
    with np.errstate(divide="ignore"):
        place = np.floor((np.log10(losses) - LOWEST) * BINS_PER_DECADE)
    return np.bincount(np.clip(place, -1, BINS).astype(np.int64) + 1, minlength=BINS + 2)


def descend(
    start: State,
    x: np.ndarray,
    y: np.ndarray,
    *,
    steps: int,
    lr: float,
    kind: str,
    keep_at: tuple[int, ...] = (),
    band: tuple[float, float] | None = None,
) -> Record:
    """Train one net by full-batch gradient descent on the mean squared error.

    θ ← θ − lr ∇L(θ), `steps` times. The numbers do not depend on what is kept: kernels run over blocks of
    fixed length, and a state inside a block is found by running its beginning once more.
    """
    advance = stepper(x, y, kind, lr)
    hidden, out = start[0].copy(), start[1].copy()
    counts = np.zeros(BINS + 2, np.int64)
    shown = grid(steps)
    curve = np.full(shown.size, np.nan)
    record = Record(counts, shown, curve, (hidden, out))
    for begin in range(0, steps, BLOCK):
        length = min(BLOCK, steps - begin)
        before = hidden.copy(), out.copy()
        losses = np.empty(length)
        done = advance(hidden, out, losses)

        def state(step: int, before=before, begin=begin) -> State:
            again = before[0].copy(), before[1].copy()
            advance(*again, np.empty(step - begin))
            return again

        counts += histogram(losses[:done])
        here = (shown >= begin) & (shown < begin + done)
        curve[here] = losses[shown[here] - begin]
        for step in keep_at:
            if begin <= step < begin + done:
                record.kept[step] = state(step)
        if band is not None and record.entered is None:
            inside = np.flatnonzero((losses[:done] >= band[0]) & (losses[:done] <= band[1]))
            if inside.size:
                record.entered = begin + int(inside[0]), state(begin + int(inside[0]))
        # A ReLU neuron whose weights are NaN is on nowhere and does not show in the loss.
        if done < length or not (np.isfinite(hidden).all() and np.isfinite(out).all()):
            record.diverged = begin + done
            record.final = before
            break
    else:
        last = np.empty(1)  # the loss after the last step takes one more, on a copy
        if advance(hidden.copy(), out.copy(), last) == 0:
            record.diverged = steps
        curve[-1] = last[0]
        if band is not None and record.entered is None and band[0] <= last[0] <= band[1]:
            record.entered = steps, (hidden.copy(), out.copy())
        if steps in keep_at:
            record.kept[steps] = hidden.copy(), out.copy()
    reached = np.isfinite(curve)
    record.steps, record.losses = shown[reached], curve[reached]
    return record
