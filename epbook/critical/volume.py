"""How much of parameter space lies near a critical value: the volume of its neighbourhood, measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.checks import choice, positive, whole
from epbook.given import Given, differentiable, read, refuse_meta, unflat
from epbook.losses import Loss, mse_loss
from epbook.networks import forward
from epbook.results import Result

KEEP = 0.25  # fraction of the particles that pass from one level to the next
MOVES = 16  # Metropolis steps of every particle per level


@dataclass(frozen=True, eq=False)
class Volume(Result):
    """Fraction of a ball in which a height stays below ε: the empirical distribution, ε ascending.

    height: ε; fraction: vol{‖θ − θ*‖ ≤ radius, height(θ) < ε} / vol(ball). Source: textbook section 1.3.
    """

    height: NDArray[np.float64]
    fraction: NDArray[np.float64]

    def at(self, height: float) -> float:
        """The fraction at one ε, interpolated in logarithms; ValueError outside the measured range."""
        if not self.height[0] <= height <= self.height[-1]:
            raise ValueError(f"measured from {self.height[0]:.1e} to {self.height[-1]:.1e}, got {height!r}")
        return float(np.exp(np.interp(np.log(height), np.log(self.height), np.log(self.fraction))))

    def slope(self, low: float, high: float) -> float:
        """d log(fraction) / d log(ε) between two heights: the number of ε-powers in the volume."""
        return math.log(self.at(high) / self.at(low)) / math.log(high / low)


def flat_volume(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    loss: Loss = mse_loss,
    radius: float = 0.1,
    height: str = "loss",
    deepest: float = 1e-12,
    particles: int = 1000,
    seed: int = 0,
) -> Volume:
    """Volume of {θ : |L(θ) − L(θ*)| < ε} inside a ball around θ*, for every ε, by subset simulation.

    Each level keeps the lowest quarter of the particles and refills by Metropolis moves inside the ball
    and below the level, so that a fraction of 4^−k costs k levels.

    net: at θ*, of which nothing is assumed. x: (n, inputs), y: (n, outputs), or as the loss takes it. radius:
    of the ball, in parameter units. height: "loss" for |L − L*|, "gradient" for ‖∇L‖₂, the speed of gradient
    flow. Stops at fraction `deepest`. particles: per level; the relative error of a fraction 4^−k is about
    √(k·10/particles). Returns a Volume. Raises ValueError for data that do not fit, and a radius, height,
    fraction or count out of range. Source: textbook section 1.3 (the informal argument on volume); subset
    simulation: Au and Beck 2001.

    >>> from epbook.networks import sequential
    >>> net = sequential([(torch.zeros(1, 2, dtype=torch.float64), None, None)])
    >>> x = torch.eye(2, dtype=torch.float64) * 2**0.5  # L(w) = w₁² + w₂²: a disc, fraction ε/radius²
    >>> volume = flat_volume(net, x, torch.zeros(2, 1, dtype=torch.float64), radius=1.0)
    >>> abs(volume.slope(1e-6, 1e-2) - 1) < 0.1
    True
    """
    given = read(net, x, y, loss=loss)
    refuse_meta(given.layers)
    radius, deepest = positive(radius, "radius"), positive(deepest, "deepest")
    particles = whole(particles, "particles", 40)
    centre = given.theta
    measured = _height(given, choice(height, "height", ["loss", "gradient"]))
    generator = torch.Generator().manual_seed(whole(seed, "seed"))  # one for every device

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=centre.dtype).to(centre)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=centre.dtype).to(centre)

    shift = normal(particles, len(centre))
    shift *= radius * uniform(particles, 1) ** (1 / len(centre)) / shift.norm(dim=1, keepdim=True)
    value, fraction, step = measured(shift), 1.0, radius / math.sqrt(len(centre))
    heights, fractions = [], []
    kept = int(KEEP * particles)
    while fraction > deepest:
        order = value.argsort()
        level = value[order[kept]]
        if not float(level) > 0:  # the rest of the ball cannot be told from θ* in float64
            break
        heights.append(value[order[kept:]].flip(0).cpu())
        fractions.append(fraction * torch.arange(particles, kept, -1, dtype=centre.dtype) / particles)
        fraction *= kept / particles
        chosen = order[:kept][torch.randint(kept, (particles,), generator=generator).to(order)]
        shift, value = shift[chosen], value[chosen]
        for _ in range(MOVES):
            # Differences of two particles: proposals that know the shape of the set (ter Braak 2006).
            pairs = torch.randint(particles, (2, particles), generator=generator).to(order)
            jump = (shift[pairs[0]] - shift[pairs[1]]) * (uniform(particles, 1) * 0.8)
            small = uniform(particles, 1) < 0.7
            scale = step * torch.exp(-3 * uniform(particles, 1))
            new = shift + torch.where(small, scale * normal(*shift.shape), jump)
            there = measured(new)
            taken = (new.norm(dim=1) <= radius) & (there < level)
            shift[taken], value[taken] = new[taken], there[taken]
            step *= math.exp(float(taken[small[:, 0]].to(centre.dtype).mean()) - 0.3)
    if not heights:
        raise ValueError(f"nothing within radius {radius!r} differs from θ* in float64: take a larger radius")
    return Volume(
        height=torch.cat(heights).flip(0).numpy(),
        fraction=torch.cat(fractions).flip(0).numpy(),
    )


def _height(given: Given, height: str) -> Callable[[Tensor], Tensor]:
    """shift (particles, parameters) -> |L(θ* + shift) − L(θ*)| or ‖∇L(θ* + shift)‖₂, (particles,)."""

    def at(shift: Tensor) -> Tensor:
        moved = unflat(given.layers, given.theta + shift)
        return given.loss(forward(moved, given.x), given.y)

    if height == "loss":
        start = at(torch.zeros_like(given.theta))
        return lambda shift: (torch.func.vmap(at)(shift) - start).abs()
    slope = torch.func.vmap(torch.func.grad(at))

    def speed(shift: Tensor) -> Tensor:
        with differentiable():
            sizes: Tensor = torch.linalg.vector_norm(slope(shift), dim=1)
        return sizes

    return speed
