"""Kinks of σ: where a network has no second derivative, nothing of the second order can be said."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from epbook.activations import activation_of
from epbook.networks import Layer, steps

# Closer to a kink of σ than this, relative to the layer's largest |z|, there is no second derivative.
NEAR_KINK = 1e-9


def refuse_kinks(found: Sequence[Layer], x: Tensor) -> None:
    """Raise ValueError where a pre-activation lies on a kink of its σ, within NEAR_KINK of the largest |z|.

    x: (n, inputs), what the first layer receives. Source: textbook section 1.2 (the Hessian needs σ'').

    >>> import torch
    >>> from torch import nn
    >>> layer = Layer(torch.ones(1, 1), None, nn.ReLU())
    >>> refuse_kinks([layer], torch.tensor([[0.0], [1.0]]))
    Traceback (most recent call last):
    ValueError: no second derivative here: neuron 0 of layer 0 has the pre-activation 0 at sample 0, on the \
kink of ReLU() at 0
    """
    if not any(activation_of(layer.activation).kinks for layer in found):
        return
    for depth, (layer, _, z) in enumerate(steps(found, x)):
        for kink in activation_of(layer.activation).kinks:
            distance = (z - kink).abs()
            near = int(distance.argmin())
            if distance.flatten()[near] <= NEAR_KINK * max(float(z.abs().max()), abs(kink)):
                sample, neuron = divmod(near, z.shape[1])
                raise ValueError(
                    f"no second derivative here: neuron {neuron} of layer {depth} has the pre-activation "
                    f"{z[sample, neuron].item():.3g} at sample {sample}, on the kink of {layer.activation} "
                    f"at {kink:g}"
                )
