"""How long gradient descent takes to leave a critical point."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from epbook.activations import activation_of
from epbook.given import layers
from epbook.training.descent import descend


def escape_time(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    below: float,
    lr: float,
    kick: float = 1e-4,
    steps: int = 100_000,
    seed: int = 0,
) -> int | None:
    """Steps of gradient descent from `net`, kicked at random, until the loss is below a level.

    θ_0 = θ* + kick · u with u uniform on the unit sphere; θ ← θ − lr ∇L(θ). Along the steepest descent
    direction the distance grows as e^{|λ_min| lr t}, so the time is about ln(1/kick) / (|λ_min| lr).

    net: two-layer, biases in the hidden layer, none at the output. below: the loss that counts as escaped.
    kick: its length, in parameter units. Returns the number of steps, None if `steps` do not suffice.
    Raises ValueError for a network of another form or a number out of range.
    Source: chapter section 1.3 (escape from saddles).

    >>> from epbook.data import tanh_teacher
    >>> from epbook.networks import two_layer
    >>> x, y = tanh_teacher()
    >>> escape_time(two_layer(1, 1, activation=nn.Tanh, std=0.0), x, y, below=4.0, lr=0.01) < 1000
    True
    """
    triples = layers(net)
    if len(triples) != 2 or triples[0][1] is None or triples[1][1] is not None or triples[1][2] is not None:
        raise ValueError(f"expected a two-layer network with hidden biases only, got {net}")
    for name, value in (("below", below), ("lr", lr), ("kick", kick), ("steps", steps)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} must be positive and finite, got {value!r}")
    (weight, bias, activation), (out, _, _) = triples
    hidden = torch.cat([weight, bias[:, None]], dim=1).numpy().astype(np.float64)
    outgoing = out.numpy().astype(np.float64)
    draw = np.random.default_rng(seed).normal(size=hidden.size + outgoing.size)
    draw *= kick / np.linalg.norm(draw)
    start = (
        hidden + draw[: hidden.size].reshape(hidden.shape),
        outgoing + draw[hidden.size :].reshape(outgoing.shape),
    )
    record = descend(
        start,
        x.numpy(),
        y.numpy(),
        steps=int(steps),
        lr=float(lr),
        kind=activation_of(activation).name,
        band=(0.0, float(below)),
    )
    return None if record.entered is None else int(record.entered[0])
