"""One start of the finder, and what Newton's method in 50 digits says of its verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

import epbook as ep
from epbook.critical.collect import random_start
from tools.campaign.cases import Case
from tools.campaign.exact import Exact, Outcome

# A point is of moderate size where no parameter is larger, in units of the data.
MODERATE = 100.0


@dataclass(frozen=True)
class Trial:
    """status, reason: the finder's. outcome: of the exact Newton, None where none was run. size: the largest
    parameter in units of the data. wrong: what is wrong with the verdict, or nothing."""

    case: Case
    status: str
    reason: str
    outcome: Outcome | None
    size: float

    @property
    def wrong(self) -> str:
        if self.outcome is None:
            return ""
        if self.status == "finite" and not self.outcome.critical:
            return "at infinity" if self.outcome.moved > 0.1 * self.size else "not critical"
        if self.status in ("diverging", "saturated") and self.outcome.critical and self.size <= MODERATE:
            return f"{self.status}, but critical"
        return ""


def trial(case: Case, x: Tensor, y: Tensor, *, others: bool) -> Trial:
    """Run the finder on a case; follow a finite point, and with `others` any other one of moderate size."""
    x, y = x * case.x_scale, y * case.y_scale
    net = random_start(case.width, x, y, activation=case.activation, seed=11, number=case.number)
    point = ep.find_critical(net, x, y)
    (W, b, _), (A, _, _) = ep.layers(point.model)
    W, b, A = W.numpy(), b.numpy(), A.numpy()
    exact = Exact(case.activation.__name__, case.width, x.numpy(), y.numpy())
    size = max(1.0, *(float(np.abs(part).max()) for part in (W * exact.unit_x, b, A / exact.unit_y)))
    outcome = None
    if point.status == "finite" or (others and size <= MODERATE):
        outcome = exact.newton(W, b, A)
    return Trial(case, point.status, point.reason, outcome, size)
