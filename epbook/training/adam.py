"""Full-batch Adam for one network, resumable: how the network of section 1.4 is trained."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.checks import positive, whole
from epbook.given import differentiable, read
from epbook.losses import Loss, mse_loss
from epbook.progress import progress
from epbook.results import DivergedError, DivergenceWarning, Result
from epbook.store import Store, behaviour, digest, fingerprint
from epbook.training.leaves import Leaves
from epbook.training.plateau import Plateau
from epbook.training.record import steps_to_keep

CODE = digest(*(Path(__file__).parent / f"{name}.py" for name in ("adam", "leaves", "plateau", "sparse")))
EVERY = 500  # steps between two writes to the cache


@dataclass(frozen=True, eq=False)
class AdamRun(Result):
    """A training run: how it ended, the loss before each step and after the last, the networks kept.

    status: 'finished', 'plateau' (the rule `until` held) or 'diverged'; reason: that in words.
    losses: the finite ones; kept: the networks at the steps of `keep_at` that were reached, by step.
    last: the network at the end, None where it diverged. Source: textbook section 1.4.
    """

    status: str
    reason: str
    losses: NDArray = field(repr=False)
    kept: dict[int, nn.Sequential] = field(repr=False)
    last: nn.Sequential | None = field(repr=False)

    @property
    def steps(self) -> int:
        """The last step at which the loss is finite."""
        return max(len(self.losses) - 1, 0)

    @property
    def final(self) -> nn.Sequential:
        """The network at the end. Raises DivergedError where there is none."""
        if self.last is None:
            raise DivergedError(f"no final network: {self.reason}")
        return self.last


def train_adam(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    steps: int,
    lr: float = 3e-5,
    loss: Loss = mse_loss,
    keep_at: Iterable[int] = (),
    until: Plateau | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> AdamRun:
    """Full-batch Adam (β = 0.9, 0.999, ε = 1e-8), the same numbers whatever the number of threads.

    θ ← θ − lr · m̂ / (√v̂ + ε), with the running means m, v of the gradient of loss(net(x), y).

    net is not changed; the networks that come back have its number type, and its frozen parameters are not
    trained. x: (n, d), y as `loss` takes it; everything is computed in float64. keep_at: steps whose
    networks are kept. until: stop at the first step that the rule holds for. cache: a folder; a run that was
    interrupted goes on from there, a finished one is read back; see `epbook.store.Store`. Where x is mostly
    zeros, as images of digits are, the first layer works on the other entries alone.
    Raises ValueError or TypeError for steps < 1, lr ≤ 0, a step in `keep_at` beyond `steps`, data that is
    not finite or does not fit. A loss that is no longer finite ends the run with the status 'diverged' and
    a DivergenceWarning.
    Source: Kingma and Ba (2015); textbook section 1.4 (lr 3e-5, full batch).

    >>> from epbook.networks import two_layer
    >>> x = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
    >>> run = train_adam(two_layer(1, 5, std=0.5), x, x**2, steps=300, lr=0.01)
    >>> run.status, run.steps, bool(run.losses[-1] < run.losses[0] / 5)
    ('finished', 300, True)
    """
    given = read(net, x, y, loss=loss)
    steps, lr = whole(steps, "steps", 1), positive(lr, "lr")
    keep = steps_to_keep(keep_at, steps)
    if until is not None and not isinstance(until, Plateau):
        raise TypeError(f"until must be an epbook.training.Plateau or None, got {until!r}")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums, and so the last digits, would depend on the number of threads
    try:
        with differentiable():
            leaves = Leaves(given, lr)
            store, key = Store(cache), ""
            if cache is not None:
                settings = {"steps": steps, "lr": lr, "keep_at": keep, "until": repr(until)}
                settings["trained"] = [leaf.requires_grad for leaf in leaves.all]
                parts = [part for layer in given.layers for part in layer[:2]]
                key = fingerprint(CODE, settings, [*parts, given.x, given.y, *behaviour(given)])
            status, reason, losses = _descend(leaves, store, key, steps, keep, until)
    finally:
        torch.set_num_threads(threads)
    if status == "diverged":
        warnings.warn(f"{reason} (lr = {lr})", DivergenceWarning, stacklevel=2)
    kept = {step: leaves.network(states) for step, states in sorted(leaves.kept.items())}
    return AdamRun(status, reason, losses, kept, leaves.network() if status != "diverged" else None)


def _descend(
    leaves: Leaves, store: Store, key: str, steps: int, keep: tuple[int, ...], until: Plateau | None
) -> tuple[str, str, NDArray]:
    """All steps from where the store knows this run; status, reason and losses."""
    found = store.load("adam", key)
    before = np.empty(0) if found is None else leaves.put_back(found)
    losses = np.empty(steps + 1)  # no memory is touched before its step
    losses[: len(before)] = before
    status, reason = "finished", f"all {steps} steps were taken"
    with progress(label="Adam", total=steps, initial=len(before)) as bar:
        for step in range(len(before), steps + 1):
            value = leaves.loss()
            losses[step] = value.item()
            if not np.isfinite(losses[step]):
                cause = "the step size is" if step else "the start or the data are"
                status, reason = "diverged", f"the loss is {losses[step]} at step {step}: {cause} too large"
                break
            if step in keep:
                leaves.keep(step)
            if until is not None and until(losses[: step + 1]):
                status, reason = "plateau", f"the loss stands still at step {step}, by {until}"
                break
            if step < steps:
                leaves.step(value)
                bar.update()
                if (step + 1) % EVERY == 0:
                    store.save("adam", key, leaves.arrays(losses[: step + 1]))
    store.save("adam", key, leaves.arrays(losses[:step]))
    return status, reason, losses[: step if status == "diverged" else step + 1].copy()
