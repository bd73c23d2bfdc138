"""The starts of the campaign: seven activations, nine data sets, and units from 1e-9 to 1e6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

import epbook as ep

ACTIVATIONS = (nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU, nn.GELU, nn.ELU, nn.SELU)
SCALES = (1.0, 1e-9, 1e6, 1e-6, 1e3, 1e-3)


def data_sets() -> dict[str, tuple[Tensor, Tensor]]:
    """Ordinary data, and data that invite a point at infinity: separable, constant, linear, few."""
    rng = np.random.default_rng(0)
    line = np.linspace(-1, 1, 11)[:, None]
    plane = rng.normal(size=(12, 2))
    sets = {
        "few points": (np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]])),
        "a step": (line, (line > 0.1).astype(float)),
        "constant": (line, np.ones_like(line)),
        "linear": (line, 0.5 + line),
        "noise": (line, rng.normal(size=line.shape)),
        "two inputs": (plane, np.cos(plane[:, :1]) + 0.3 * plane[:, 1:] ** 2),
        "two outputs": (line, np.hstack([np.sin(3 * line), np.exp(line)])),
    }
    built = {name: tuple(map(torch.from_numpy, pair)) for name, pair in sets.items()}
    return {"tanh teacher": ep.data.tanh_teacher(), "relu teacher": ep.data.relu_teacher(), **built}


@dataclass(frozen=True)
class Case:
    """One start: a net of `width` neurons on data that are scaled by `x_scale` and `y_scale`."""

    activation: type[nn.Module]
    data: str
    width: int
    number: int
    x_scale: float
    y_scale: float

    def __str__(self) -> str:
        return (
            f"{self.activation.__name__} on {self.data}, width {self.width}, start {self.number}, "
            f"x·{self.x_scale:g}, y·{self.y_scale:g}"
        )


def cases(starts: int) -> Iterator[Case]:
    """`starts` cases, spread evenly: however many there are, each takes the next of every list."""
    names = list(data_sets())
    for index in range(starts):
        turn, place = divmod(index, len(ACTIVATIONS) * len(names))
        kind, which = divmod(place, len(names))
        # Half of the starts are in the units of the data; the others go through all pairs of scales.
        scale = turn // 2 if turn % 2 else 0
        yield Case(
            activation=ACTIVATIONS[kind],
            data=names[which],
            width=1 + turn % 3,
            number=index,
            x_scale=SCALES[scale // len(SCALES) % len(SCALES)] if turn % 2 else 1.0,
            y_scale=SCALES[scale % len(SCALES)] if turn % 2 else 1.0,
        )
