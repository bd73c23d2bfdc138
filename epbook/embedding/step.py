"""An embedding as a list of steps that can be printed, replayed on another network and composed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.given import is_finite, read
from epbook.networks import Layer


class Step(ABC):
    """One critical embedding: θ ↦ Tθ, together with the coefficients that may move without leaving the set.

    A step reads and returns layers, so that steps compose and derivatives with respect to the coefficients
    pass through. Source: textbook section 1.3.
    """

    @abstractmethod
    def coefficients(self, narrow: Sequence[Layer]) -> Tensor:
        """The free coefficients of this step at `narrow`, one vector (k,), empty where nothing is free."""

    @abstractmethod
    def rewrite(self, narrow: Sequence[Layer], coefficients: Tensor | None = None) -> list[Layer]:
        """The wide layers; `coefficients`, (k,), replaces the own. Raises ValueError where not critical."""

    @abstractmethod
    def __str__(self) -> str:
        """One line in words."""

    @property
    def cancellation(self) -> float:
        """Σ|terms| of the worst sum that must be 1 or 0: rounding leaves so many times ε in it."""
        return 1.0


@dataclass(frozen=True)
class Plan:
    """A sequence of embedding steps, T = T_K ∘ … ∘ T_1.

    `plan(net)` replays it on a network, `first + second` composes (first acts first), `print(plan)`
    lists it in words, `repr(plan)` is Python that builds it again with the names of `ep.plan`.
    Raises TypeError for a step that is none, ValueError where a step does not fit the network, and where
    the number type of the network cannot hold the result: a weight overflows, or coefficients so large
    cancel that more than half of the digits are lost (their Σ|terms| above ε^(−1/2), 6.7e7 in float64).
    Source: multi-step embedding, textbook section 1.3.

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
        given = read(net)
        wide = given.network(self.rewrite(given.layers))
        weight = next(wide.parameters())
        limit = torch.finfo(weight.dtype).eps ** -0.5
        for step in self.steps:
            if step.cancellation > limit:
                raise ValueError(
                    f"this would lose the output in rounding: {step}. Terms of {step.cancellation:.3g} times "
                    f"their sum cancel; {weight.dtype} keeps half of its digits up to {limit:.3g}"
                )
        if weight.device.type != "meta" and not all(is_finite(part) for part in wide.parameters()):
            raise ValueError(f"a weight of the wide network is beyond the range of {weight.dtype}: {self}")
        return wide

    def __add__(self, other: Plan) -> Plan:
        return Plan(self.steps + other.steps) if isinstance(other, Plan) else NotImplemented

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        lines = [f"{number}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join(lines) or "nothing to do"

    def __repr__(self) -> str:
        return f"Plan(({''.join(f'{step!r}, ' for step in self.steps)}))"

    def coefficients(self, narrow: Sequence[Layer]) -> list[Tensor]:
        """The free coefficients of every step, each read where that step acts: (k,) for each step."""
        found = []
        for step in self.steps:
            found.append(step.coefficients(narrow))
            narrow = step.rewrite(narrow)
        return found

    def rewrite(self, narrow: Sequence[Layer], coefficients: list[Tensor] | None = None) -> list[Layer]:
        """Apply all steps to layers; `coefficients`, (k,) for each step, replace their own."""
        for index, step in enumerate(self.steps):
            narrow = step.rewrite(narrow, None if coefficients is None else coefficients[index])
        return list(narrow)
