"""How long gradient descent takes to leave a critical point."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from epbook.checks import positive, whole
from epbook.given import read
from epbook.results import DivergedError, DivergenceWarning, Result
from epbook.training.descent import BLOCK, Stop, kernel_of, stepper


@dataclass(frozen=True, eq=False)
class Escape(Result):
    """Whether and when a run left: status 'escaped', 'stayed' or 'diverged', and the reason in words.

    at: the step at which the loss was below the level for the first time; None where it never was.
    Source: textbook section 1.3 (escape from saddles).
    """

    status: str
    reason: str
    at: int | None = None

    @property
    def steps(self) -> int:
        """The number of steps until the escape. Raises DivergedError where there was none."""
        if self.at is None:
            raise DivergedError(f"there was no escape: {self.reason}")
        return self.at


def escape_time(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    below: float,
    lr: float,
    steps: int = 100_000,
    kick: float = 1e-4,
    seed: int = 0,
) -> Escape:
    """Steps of gradient descent from `net`, kicked at random, until the loss is below a level.

    θ_0 = θ* + kick · u with u uniform on the unit sphere; θ ← θ − lr ∇L(θ), L = mean squared error. Along
    the steepest descent direction the distance grows as e^{|λ_min| lr t}, so the time is about
    ln(1/kick) / (|λ_min| lr).

    x: (n, inputs), y: (n, 1). net: two-layer, biases in the hidden layer, none at the output, with an
    activation that has a compiled kernel (see `train_many`). below: the loss that counts as escaped. kick:
    its length, in parameter units.
    Returns an `Escape`; its `steps` raises DivergedError where `steps` did not suffice or the run diverged,
    of which a DivergenceWarning tells too.
    Raises ValueError or TypeError for a network of another form, data that do not fit, a number out of range.
    Source: textbook section 1.3 (escape from saddles).

    >>> from epbook.data import tanh_teacher
    >>> from epbook.networks import two_layer
    >>> x, y = tanh_teacher()
    >>> found = escape_time(two_layer(1, 1, activation=nn.Tanh, std=0.0), x, y, below=4.0, lr=0.01)
    >>> found.status, found.steps < 1000
    ('escaped', True)
    """
    given = read(net, x, y)
    plain = len(given.layers) == 2 and isinstance(given.layers[1].activation, nn.Identity | None)
    if not plain or given.layers[0].bias is None or given.layers[1].bias is not None:
        raise ValueError(f"expected a two-layer network with biases in the hidden layer alone, got {net}")
    below, lr, kick = positive(below, "below"), positive(lr, "lr"), positive(kick, "kick")
    steps = whole(steps, "steps", 1)
    kind = kernel_of(given.layers[0].activation or nn.Identity())

    hidden, out = given.layers[0].incoming.cpu().numpy(), given.layers[1].weight.cpu().numpy()
    draw = np.random.default_rng(whole(seed, "seed")).normal(size=hidden.size + out.size)
    draw *= kick / np.linalg.norm(draw)
    hidden = hidden + draw[: hidden.size].reshape(hidden.shape)
    out = out + draw[hidden.size :].reshape(out.shape)
    advance = stepper(given.x.cpu().numpy(), given.y.cpu().numpy(), kind, lr, Stop())
    for begin in range(0, steps + 1, BLOCK):
        losses = np.empty(min(BLOCK, steps + 1 - begin))
        done = advance(hidden, out, losses)
        inside = np.flatnonzero(losses[:done] < below)
        if inside.size:
            at = begin + int(inside[0])
            return Escape("escaped", f"the loss is below {below:g} at step {at}", at)
        if done < losses.size or not (np.isfinite(hidden).all() and np.isfinite(out).all()):
            reason = f"the numbers are not finite after step {begin + done}: lr = {lr} is too large"
            warnings.warn(reason, DivergenceWarning, stacklevel=2)
            return Escape("diverged", reason)
    return Escape("stayed", f"the loss is not below {below:g} within {steps} steps")
