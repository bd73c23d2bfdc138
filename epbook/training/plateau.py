"""When training stands still: the rule that takes the place of an eye on the loss curve."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import NDArray

from epbook.checks import whole


@dataclass(frozen=True)
class Plateau:
    """The rule that says when training stands still: a plateau after the first descent.

    Step t is on it when L(t) < L(0)/2 and L(t) > (1 − drop)·L(t − window).

    window: steps looked back; drop: relative decrease below which the loss counts as flat.
    Calling it with the losses of all steps so far says whether the last one is on the plateau.
    Raises ValueError where window < 1 or drop is not between 0 and 1.
    Source: textbook section 1.4 ("the loss decreases very slowly"), made a rule.

    >>> import numpy as np
    >>> losses = np.concatenate([np.ones(50), np.geomspace(1, 0.1, 50), np.full(50, 0.1)])
    >>> Plateau(window=20, drop=0.05).first(losses)
    118
    """

    window: int = 200
    drop: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", whole(self.window, "window", 1))
        if not 0 < self.drop < 1:
            raise ValueError(f"drop must be between 0 and 1, got {self.drop!r}")

    def __call__(self, losses: NDArray) -> bool:
        if len(losses) <= self.window:
            return False
        now, before = losses[-1], losses[-1 - self.window]
        return bool(now < losses[0] / 2 and now > (1 - self.drop) * before)

    def first(self, losses: NDArray) -> int | None:
        """The first step on the plateau, None where there is none. losses: (n,), of every step."""
        return next((t for t in range(len(losses)) if self(losses[: t + 1])), None)
