"""Plans: an embedding as a list of steps that can be printed, replayed on another network and composed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.given import layers
from epbook.networks import sequential

Parts = list[tuple[Tensor, Tensor | None, nn.Module | None]]


class Step(ABC):
    """One critical embedding: θ ↦ Tθ, together with the coefficients that may move without leaving the set.

    A step reads and returns (weight, bias, activation) triples, so that steps compose and derivatives
    with respect to the coefficients pass through. Source: chapter section 1.3.
    """

    @abstractmethod
    def coefficients(self, narrow: Parts) -> Tensor:
        """The free coefficients of this step at `narrow`, one vector (empty where nothing is free)."""

    @abstractmethod
    def rewrite(self, narrow: Parts, coefficients: Tensor | None = None) -> Parts:
        """The wide triples; `coefficients` replaces the step's own. Raises ValueError where not critical."""

    @abstractmethod
    def __str__(self) -> str:
        """One line in words."""


@dataclass(frozen=True)
class Plan:
    """A sequence of embedding steps, T = T_K ∘ … ∘ T_1.

    `plan(net)` replays it on a network, `first + second` composes (first acts first), `print(plan)`
    lists it in words, `repr(plan)` is Python that builds it again.
    Raises TypeError for a step that is none, ValueError where a step does not fit the network.
    Source: multi-step embedding, chapter section 1.3.

    >>> from epbook.embedding import Permute, Split
    >>> from epbook.networks import two_layer
    >>> plan = Plan((Split(0, 1, (0.7, 0.3)),)) + Plan((Permute(0, (2, 0, 1)),))
    >>> print(plan)
    1. split neuron 1 of layer 0 into 2, outgoing weights shared as 0.7, 0.3
    2. reorder layer 0 as 2, 0, 1
    >>> plan(two_layer(1, 2))[0].out_features
    3
    """

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        for step in self.steps:
            if not isinstance(step, Step):
                raise TypeError(f"a plan holds embedding steps, got {step!r}")

    def __call__(self, net: nn.Sequential) -> nn.Sequential:
        return sequential(self.rewrite(layers(net)))

    def __add__(self, other: Plan) -> Plan:
        return Plan(self.steps + other.steps) if isinstance(other, Plan) else NotImplemented

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        lines = [f"{number}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join(lines) or "nothing to do"

    def coefficients(self, narrow: Parts) -> list[Tensor]:
        """The free coefficients of every step, each read where that step acts."""
        found = []
        for step in self.steps:
            found.append(step.coefficients(narrow))
            narrow = step.rewrite(narrow)
        return found

    def rewrite(self, narrow: Parts, coefficients: list[Tensor] | None = None) -> Parts:
        """Apply all steps to (weight, bias, activation) triples."""
        for index, step in enumerate(self.steps):
            narrow = step.rewrite(narrow, None if coefficients is None else coefficients[index])
        return narrow


Embedded = nn.Sequential | tuple[nn.Sequential, Plan]


def carried_out(plan: Plan, net: nn.Sequential, return_plan: bool) -> Embedded:
    """plan(net), with the plan beside it where asked for: how every function of this package returns."""
    wide = plan(net)
    return (wide, plan) if return_plan else wide


def empty(narrow: Parts) -> Tensor:
    """No free coefficient, in the number type of the network."""
    return torch.zeros(0, dtype=narrow[0][0].dtype)
