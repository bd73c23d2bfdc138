"""Gradient descent of one two-layer net, watched at every step, that stops when it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from epbook.activations import KNOWN, activation_of
from epbook.training import fused, relu_line
from epbook.training.record import BINS, Record, State, grid, histogram

BLOCK = 8192
# Multiplications between two looks at whether to stop: a tenth of a second of the fused kernel, or less.
PATIENCE = 50_000_000


class Stopped(Exception):
    """A run that nobody waits for any more."""


@dataclass
class Stop:
    """A flag that the threads of one sweep share: they look at it between blocks.

    A process that a sweep is handed out to gets a copy, which nobody raises; its pool ends it.
    """

    asked: bool = False

    def check(self) -> None:
        if self.asked:
            raise Stopped


def kernel_of(module: nn.Module) -> str:
    """The name under which σ is compiled. Raises ValueError for any other than those with closed forms."""
    facts = activation_of(module)
    if facts is not KNOWN.get(type(module)) or facts.name not in fused.ACTIVATIONS:
        raise ValueError(
            f"no compiled gradient descent for {module}: there is one for {', '.join(fused.ACTIVATIONS)}, "
            "with PyTorch's own settings. For others use epbook.training.train_adam or a loop in PyTorch"
        )
    return facts.name


Advance = Callable[[NDArray, NDArray, NDArray], int]


def stepper(x: NDArray, y: NDArray, kind: str, lr: float, stop: Stop) -> Advance:
    """The fastest kernel for these data, as advance(hidden, out, losses) in place.

    losses[t] = loss before step t. Returns the number of steps whose loss was finite.
    """
    if kind == "relu" and x.shape[1] == 1 and y.shape[1] == 1:
        order = np.argsort(x[:, 0], kind="stable")
        line, target = x[order, 0].copy(), y[order, 0].copy()

        def on_a_line(hidden: NDArray, out: NDArray, losses: NDArray) -> int:
            stop.check()
            done: int = relu_line.advance(hidden, out, line, target, lr, losses)
            return done

        return on_a_line
    columns, targets = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
    number = fused.ACTIVATIONS.index(kind)

    def in_one_pass(hidden: NDArray, out: NDArray, losses: NDArray) -> int:
        # A step of this kernel knows nothing of the one before, so that it may be left after any.
        at_once = max(1, PATIENCE // (out.shape[1] * x.shape[0] * (x.shape[1] + y.shape[1])))
        for begin in range(0, losses.size, at_once):
            stop.check()
            part = losses[begin : begin + at_once]
            done: int = fused.advance(hidden, out, columns, targets, lr, part, number)
            if done < part.size:
                return begin + done
        return losses.size

    return in_one_pass


def descend(
    start: State,
    x: NDArray,
    y: NDArray,
    *,
    steps: int,
    lr: float,
    kind: str,
    keep_at: tuple[int, ...] = (),
    band: tuple[float, float] | None = None,
    stop: Stop | None = None,
) -> Record:
    """Train one net by full-batch gradient descent on the mean squared error.

    θ ← θ − lr ∇L(θ), `steps` times. The numbers do not depend on what is kept: kernels run over blocks of
    fixed length, and a state inside a block is found by running its beginning once more.
    Raises Stopped soon after `stop` was asked for.
    """
    advance = stepper(x, y, kind, lr, stop or Stop())
    hidden, out = start[0].copy(), start[1].copy()
    counts = np.zeros(BINS + 2, np.int64)
    shown = grid(steps)
    curve = np.full(shown.size, np.nan)
    kept: dict[int, State] = {}
    entered: tuple[int, State] | None = None
    diverged: int | None = None
    final = hidden, out
    for begin in range(0, steps, BLOCK):
        length = min(BLOCK, steps - begin)
        before = hidden.copy(), out.copy()
        losses = np.empty(length)
        done = advance(hidden, out, losses)

        def state(step: int, before: State = before, begin: int = begin) -> State:
            again = before[0].copy(), before[1].copy()
            advance(*again, np.empty(step - begin))
            return again

        counts += histogram(losses[:done])
        here = (shown >= begin) & (shown < begin + done)
        curve[here] = losses[shown[here] - begin]
        for step in keep_at:
            if begin <= step < begin + done:
                kept[step] = state(step)
        if band is not None and entered is None:
            inside = np.flatnonzero((losses[:done] >= band[0]) & (losses[:done] <= band[1]))
            if inside.size:
                entered = begin + int(inside[0]), state(begin + int(inside[0]))
        # A ReLU neuron whose weights are NaN is on nowhere and does not show in the loss.
        if done < length or not (np.isfinite(hidden).all() and np.isfinite(out).all()):
            diverged, final = begin + done, before
            break
    else:
        last = np.empty(1)  # the loss after the last step takes one more, on a copy
        if advance(hidden.copy(), out.copy(), last) == 0:
            diverged = steps
        curve[-1] = last[0]
        if band is not None and entered is None and band[0] <= last[0] <= band[1]:
            entered = steps, (hidden.copy(), out.copy())
        if steps in keep_at:
            kept[steps] = hidden.copy(), out.copy()
    reached = np.isfinite(curve)
    return Record(counts, shown[reached], curve[reached], final, kept, entered, diverged)
