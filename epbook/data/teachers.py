"""The two one-dimensional target functions of the textbook."""

from __future__ import annotations

import torch
from torch import Tensor

from epbook.checks import whole


def relu_teacher(points: int = 20, *, low: float = -1.0, high: float = 1.0) -> tuple[Tensor, Tensor]:
    """Equispaced samples of the target of figures 1.1-1.3, a sum of four ReLU neurons.

    f(x) = relu(2x + 0.6) − relu(x) + relu(0.5x − 0.4) − relu(1.5x − 0.6), x in [low, high].

    Returns x and y = f(x), each (points, 1), float64, no units. Raises ValueError where points < 2 or
    low ≥ high. Source: textbook section 1.1; the 20 points on [−1, 1] are recovered from its figures.

    >>> x, y = relu_teacher()
    >>> x.shape, round((y**2).mean().item(), 6)
    (torch.Size([20, 1]), 0.371767)
    """
    x = _grid(points, low, high)
    relu = torch.relu
    return x, relu(2 * x + 0.6) - relu(x) + relu(0.5 * x - 0.4) - relu(1.5 * x - 0.6)


def tanh_teacher(points: int = 50, *, low: float = -15.0, high: float = 15.0) -> tuple[Tensor, Tensor]:
    """Equispaced samples of the target of figure 1.5(a), a sum of three tanh neurons.

    f(x) = tanh(x) + tanh(x − 7) + tanh(x + 7), x in [low, high].

    Returns x and y = f(x), each (points, 1), float64, no units. Raises ValueError where points < 2 or
    low ≥ high. Source: textbook section 1.3; the settings are recovered from its figures.

    >>> x, y = tanh_teacher()
    >>> x.shape, round((y**2).mean().item(), 5)
    (torch.Size([50, 1]), 5.14533)
    """
    x = _grid(points, low, high)
    return x, torch.tanh(x) + torch.tanh(x - 7) + torch.tanh(x + 7)


def _grid(points: int, low: float, high: float) -> Tensor:
    if not low < high:
        raise ValueError(f"low must be below high, got low={low!r}, high={high!r}")
    return torch.linspace(low, high, whole(points, "points", 2), dtype=torch.float64)[:, None]
