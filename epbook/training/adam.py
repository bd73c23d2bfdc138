"""Full-batch Adam for one network, resumable: how the network of section 1.4 is trained."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from epbook.given import layers
from epbook.losses import Loss
from epbook.networks import sequential
from epbook.progress import progress
from epbook.training.checkpoint import Checkpoint
from epbook.training.sparse import SparseData


@dataclass(frozen=True)
class Plateau:
    """The rule that says when training stands still: a plateau after the first descent.

    Step t is on it when L(t) < L(0)/2 and L(t) > (1 − drop)·L(t − window).

    window: steps looked back; drop: relative decrease below which the loss counts as flat.
    Calling it with the losses of all steps so far says whether the last one is on the plateau.
    Raises ValueError where window < 1 or drop is not between 0 and 1.
    Source: chapter section 1.4 ("the loss decreases very slowly"), made a rule.

    >>> losses = np.concatenate([np.ones(50), np.geomspace(1, 0.1, 50), np.full(50, 0.1)])
    >>> Plateau(window=20, drop=0.05).first(losses)
    118
    """

    window: int = 200
    drop: float = 0.05

    def __post_init__(self) -> None:
        if self.window != int(self.window) or self.window < 1:
            raise ValueError(f"window must be a whole number of at least 1, got {self.window!r}")
        if not 0 < self.drop < 1:
            raise ValueError(f"drop must be between 0 and 1, got {self.drop!r}")

    def __call__(self, losses: np.ndarray) -> bool:
        if len(losses) <= self.window:
            return False
        now, before = losses[-1], losses[-1 - self.window]
        return bool(now < losses[0] / 2 and now > (1 - self.drop) * before)

    def first(self, losses: np.ndarray) -> int | None:
        """The first step on the plateau, None where there is none."""
        return next((t for t in range(len(losses)) if self(losses[: t + 1])), None)


@dataclass(frozen=True)
class AdamRun:
    """A training run: the loss before each step and after the last, the networks kept, the last network."""

    losses: np.ndarray = field(repr=False)
    kept: dict[int, nn.Sequential] = field(repr=False)
    final: nn.Sequential = field(repr=False)

    @property
    def steps(self) -> int:
        return len(self.losses) - 1


def train_adam(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    steps: int,
    lr: float = 3e-5,
    loss: Loss = nn.functional.mse_loss,
    keep: Iterable[int] = (),
    until: Plateau | None = None,
    cache: str | os.PathLike | None = None,
) -> AdamRun:
    """Full-batch Adam (β = 0.9, 0.999, ε = 1e-8), the same numbers whatever the number of threads.

    θ ← θ − lr · m̂ / (√v̂ + ε), with the running means m, v of the gradient of loss(net(x), y).

    net is not changed. x: (n, d), y as `loss` takes it. keep: steps whose networks are kept. until: stop
    at the first step that the rule holds for. cache: a folder; a run that was interrupted goes on from
    there, a finished one is read back. Where x is mostly zeros, as images of digits are, the first layer
    works on the other entries alone.
    Raises ValueError for steps < 1, lr ≤ 0, a step in `keep` beyond `steps`, data that is not finite or
    does not fit; FloatingPointError at the step at which the loss is not finite.
    Source: Kingma and Ba (2015); chapter section 1.4 (lr 3e-5, full batch).

    >>> from epbook.networks import two_layer
    >>> x = torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None]
    >>> run = train_adam(two_layer(1, 5, std=0.5), x, x**2, steps=300, lr=0.01)
    >>> run.steps, bool(run.losses[-1] < run.losses[0] / 5)
    (300, True)
    """
    keep = sorted({int(step) for step in keep})
    _check(net, x, y, steps, lr, keep)
    checkpoint = Checkpoint.of(cache, net, x, y, [steps, lr, _name(loss), keep, until])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums, and so the last digits, would depend on the number of threads
    try:
        return _train(_Trainable(net, x), y, int(steps), lr, loss, keep, until, checkpoint)
    finally:
        torch.set_num_threads(threads)


def _train(model, y, steps, lr, loss, keep, until, checkpoint) -> AdamRun:
    optimiser = torch.optim.Adam(model.leaves, lr=lr, fused=True)
    losses = np.empty(steps + 1)
    begin, kept = checkpoint.load(model.leaves, optimiser, losses)
    with progress(label="Adam", total=steps, initial=begin) as bar:
        for step in range(begin, steps + 1):
            value = loss(model(), y)
            losses[step] = value.item()
            if not np.isfinite(losses[step]):
                raise FloatingPointError(f"the loss is {losses[step]} at step {step}: lr={lr!r} is too large")
            if step in keep:
                kept[step] = [leaf.detach().clone() for leaf in model.leaves]
            if step == steps or (until is not None and until(losses[: step + 1])):
                break
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            bar.update()
            if (step + 1) % checkpoint.every == 0:
                checkpoint.save(step + 1, losses, model.leaves, optimiser, kept)
    checkpoint.save(step, losses, model.leaves, optimiser, kept)
    networks = {at: model.network(leaves) for at, leaves in kept.items()}
    return AdamRun(losses[: step + 1].copy(), networks, model.network(model.leaves))


class _Trainable:
    """The parameters of a network as leaves of autograd, the first weight transposed where x is sparse."""

    def __init__(self, net: nn.Sequential, x: Tensor) -> None:
        self.parts = layers(net)
        self.x = x
        self.sparse = SparseData(x) if (x != 0).sum() < 0.3 * x.numel() else None
        self.leaves: list[Tensor] = []
        for index, (weight, bias, _) in enumerate(self.parts):
            if index == 0 and self.sparse is not None:
                weight = weight[:, self.sparse.columns].T.contiguous()
            self.leaves += [weight.clone()] + ([] if bias is None else [bias.clone()])
        for leaf in self.leaves:
            leaf.requires_grad_(True)

    def __call__(self) -> Tensor:
        """The network's output on x."""
        value, leaves = self.x, iter(self.leaves)
        for index, (_, bias, activation) in enumerate(self.parts):
            weight, shift = next(leaves), None if bias is None else next(leaves)
            if index == 0 and self.sparse is not None:
                value = self.sparse(weight) if shift is None else self.sparse(weight) + shift
            else:
                value = nn.functional.linear(value, weight, shift)
            value = value if activation is None else activation(value)
        return value

    def network(self, leaves: list[Tensor]) -> nn.Sequential:
        """A plain network with the given leaves; weights of pixels that are always zero are as given."""
        built, values = [], iter(leaves)
        for index, (weight, bias, activation) in enumerate(self.parts):
            new = next(values).detach()
            if index == 0 and self.sparse is not None:
                full = weight.clone()
                full[:, self.sparse.columns] = new.T
                new = full
            built.append((new, None if bias is None else next(values).detach(), activation))
        return sequential(built)


def _name(loss: Loss) -> str:
    return f"{getattr(loss, '__module__', '')}.{getattr(loss, '__qualname__', repr(loss))}"


def _check(net: nn.Sequential, x: Tensor, y: Tensor, steps: int, lr: float, keep: list[int]) -> None:
    weight = layers(net)[0][0]
    if steps != int(steps) or steps < 1:
        raise ValueError(f"steps must be a whole number of at least 1, got {steps!r}")
    if not 0 < lr < float("inf"):
        raise ValueError(f"lr must be positive and finite, got {lr!r}")
    if keep and not 0 <= keep[0] <= keep[-1] <= steps:
        raise ValueError(f"keep must be steps from 0 to {steps}, got {keep!r}")
    if x.ndim != 2 or x.shape[1] != weight.shape[1] or len(x) == 0:
        raise ValueError(f"the network takes {weight.shape[1]} inputs, x is of shape {tuple(x.shape)}")
    if len(y) != len(x):
        raise ValueError(f"x has {len(x)} rows, y has {len(y)}")
    for name, values in (("x", x), ("y", y)):
        if not torch.isfinite(values).all():
            raise ValueError(f"{name} holds {values[~torch.isfinite(values)][0].item()}")
    if x.dtype != weight.dtype:
        raise ValueError(f"the network is of {weight.dtype}, x of {x.dtype}")
