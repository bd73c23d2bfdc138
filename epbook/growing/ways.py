"""Where the new neurons of a stage come from: splits along the law, copies, and neurons that are new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.critical.problem import Problem
from epbook.given import flat, read
from epbook.growing.fit import fit, neurons_in
from epbook.growing.steepest import Neurons, Turn, turned, widened
from epbook.losses import Loss
from epbook.networks import Layer, forward

STEPS = (0.03, 0.1, 0.3, 1.0, 3.0)  # ε of a split, in units of the data; the one of least loss is taken
LOOK = 60  # iterations of L-BFGS in which the look-ahead tries a candidate
TRIES = 100  # new neurons that "gradient" draws for each one that it keeps
NOISE = 0.01  # of "copy", in the size of the weights


@dataclass(frozen=True)
class Grown:
    """A network with its new neurons, before it is trained again. cost: evaluations × hidden neurons.

    neurons: those that were split, with the eigenvalue of the best and the step ε; for new neurons none.
    """

    net: nn.Sequential
    cost: int
    neurons: tuple[int, ...] = ()
    value: float = float("nan")
    step: float = float("nan")


class Ground:
    """A trained network with its data, in units of the data: what a way of growing starts from."""

    def __init__(
        self, net: nn.Sequential, x: Tensor, y: Tensor, loss: Loss, layer: int, seed: tuple[int, int]
    ) -> None:
        self.x, self.y, self.loss, self.layer = x, y, loss, layer
        self.given = read(net, x, y, loss=loss)
        self.problem = Problem(self.given)
        self.found = self.problem.layers(self.problem.start)
        self.width = self.found[layer].width
        self.size = neurons_in(net)
        self.generator = torch.Generator().manual_seed(seed[0] * 1_000_003 + seed[1])

    def network(self, found: list[Layer]) -> nn.Sequential:
        """A network of layers in units of the data, in the reader's units; its width may be another."""
        made = self.given.network(found)
        units = Problem(read(made, self.x, self.y, loss=self.loss))
        return units.network(flat(found).numpy())

    def risk(self, found: list[Layer]) -> float:
        """R in the problem's units."""
        with torch.no_grad():
            return float(self.problem.loss(forward(found, self.problem.x), self.problem.y))


def by_turns(ground: Ground, turns: list[Turn], cost: int) -> Grown | None:
    """Split along these turns at once, by the common step of least loss; None where nothing leads down."""
    turns = [turn for turn in turns if turn.value < 0]
    if not turns:
        return None
    wide = {step: turned(ground.found, ground.layer, turns, step) for step in STEPS}
    risks = {step: ground.risk(found) for step, found in wide.items()}
    step = min((s for s in STEPS if risks[s] == risks[s]), key=risks.__getitem__, default=STEPS[0])
    cost += len(STEPS) * (ground.size + len(turns))
    net = ground.network(wide[step])
    return Grown(net, cost, tuple(turn.neuron for turn in turns), turns[0].value, step)


def along_law(ground: Ground, new: int, along: str) -> Grown | None:
    """Half splits of the neurons of least eigenvalue, along S or Q. Source: Wu, Wang and Liu 2019."""
    seen = Neurons(ground.problem, ground.layer)
    turns = sorted((seen.turn(j, along) for j in range(ground.width)), key=lambda turn: turn.value)
    return by_turns(ground, turns[:new], ground.size)


def signed(ground: Ground, new: int) -> Grown | None:
    """Along S, by halves or by shares −1/2 and 3/2, whichever gains more. Source: Wu, Ye et al. 2020."""
    seen = Neurons(ground.problem, ground.layer)
    best = (
        min((seen.turn(j, "S", which=which) for which in ("SA", "LA")), key=lambda turn: turn.value)
        for j in range(ground.width)
    )
    turns = sorted(best, key=lambda turn: turn.value)
    return by_turns(ground, turns[:new], ground.size)


def look_ahead(ground: Ground, new: int) -> Grown | None:
    """Every neuron, both signs: a short training each, and the best are split. Not second order at all."""
    seen = Neurons(ground.problem, ground.layer)
    cost, tried = ground.size, []
    for j in range(ground.width):
        for which in ("SA", "LA"):
            turn = seen.turn(j, "S", which=which)
            grown = by_turns(ground, [turn], 0)
            if grown is not None:
                short = fit(grown.net, ground.x, ground.y, loss=ground.loss, steps=LOOK)
                cost += grown.cost + short.cost
                tried.append((short.loss, turn))
    kept: list[Turn] = []
    for _, turn in sorted(tried, key=lambda pair: pair[0]):
        if turn.neuron not in [each.neuron for each in kept]:
            kept.append(turn)
    return by_turns(ground, kept[:new], cost)


def copies(ground: Ground, new: int) -> Grown:
    """Random neurons split by halves, with 1 % of noise on all copied weights. Source: Chen et al. 2016."""
    chosen = torch.randperm(ground.width, generator=ground.generator)[:new].tolist()
    here, following = ground.found[ground.layer], ground.found[ground.layer + 1]
    still = [Turn(j, 0.5, -1.0, 0 * here.incoming[0], 0 * following.weight[:, 0]) for j in chosen]
    wide = turned(ground.found, ground.layer, still, 0.0)
    W, C = wide[ground.layer].incoming, wide[ground.layer + 1].weight
    touched = chosen + list(range(ground.width, ground.width + new))
    W[touched] += NOISE * _rms(here.incoming) * _normal(ground, W[touched].shape)
    C[:, touched] += NOISE * _rms(following.weight) * _normal(ground, C[:, touched].shape)
    return Grown(ground.network(widened(ground.found, ground.layer, W, C)), 0, tuple(chosen))


def new_neurons(ground: Ground, new: int, tries: int) -> Grown:
    """New neurons with outgoing weights zero, as long as the old ones: of `tries` the one that gains most.

    It gains ‖E[e σ(w·x̃)]‖, the gradient of its outgoing weights. Source: Evci et al. 2022 (GradMax).
    """
    seen = Neurons(ground.problem, ground.layer)
    here, following = ground.found[ground.layer], ground.found[ground.layer + 1]
    drawn = _normal(ground, (new * tries, here.incoming.shape[1])) * _rms(here.incoming)
    z = torch.from_numpy(seen.x) @ drawn.T
    a = z if here.activation is None else here.activation(z)
    gains = (torch.from_numpy(seen.e).T @ a).norm(dim=0)
    best = drawn[gains.argsort(descending=True)[:new]] if tries > 1 else drawn
    C = torch.cat([following.weight, following.weight.new_zeros(following.width, new)], dim=1)
    found = widened(ground.found, ground.layer, torch.cat([here.incoming, best]), C)
    return Grown(ground.network(found), new * tries if tries > 1 else 0)


def _rms(values: Tensor) -> Tensor:
    return values.square().mean().sqrt()


def _normal(ground: Ground, shape: tuple[int, ...] | torch.Size) -> Tensor:
    return torch.randn(shape, generator=ground.generator, dtype=torch.float64)


WAYS: dict[str, Callable[[Ground, int], Grown | None]] = {
    "Q": lambda ground, new: along_law(ground, new, "Q"),
    "S": lambda ground, new: along_law(ground, new, "S"),
    "signed": signed,
    "look-ahead": look_ahead,
    "copy": copies,
    "gradient": lambda ground, new: new_neurons(ground, new, TRIES),
    "random": lambda ground, new: new_neurons(ground, new, 1),
}
