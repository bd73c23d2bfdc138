"""The loss as a function of one parameter vector: what the finder steps on."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.critical.closed_form import TwoLayer
from epbook.critical.hessian import general_hessian, is_two_layer
from epbook.critical.jets import has_extended
from epbook.given import Given, differentiable, flat, unflat
from epbook.losses import Loss
from epbook.networks import Layer, forward, sequential, steps


class Evaluator(Protocol):
    """θ ↦ R(θ), ∇R(θ), ∇²R(θ) (None where not asked for)."""

    def evaluate(self, theta: NDArray, *, hessian: bool = True) -> tuple[float, NDArray, NDArray | None]: ...


class General:
    """R, ∇R and ∇²R of a net of any depth, by automatic differentiation."""

    def __init__(self, found: list[Layer], x: Tensor, y: Tensor, loss: Loss) -> None:
        self.found, self.x, self.y, self.loss = found, x, y, loss

    def evaluate(self, theta: NDArray, *, hessian: bool = True) -> tuple[float, NDArray, NDArray | None]:
        at = torch.from_numpy(np.array(theta, dtype=np.float64))
        gradient, value = torch.func.grad_and_value(
            lambda t: self.loss(forward(unflat(self.found, t), self.x), self.y)
        )(at)
        H = general_hessian(self.found, self.x, self.y, self.loss, at).numpy() if hessian else None
        return value.item(), gradient.numpy(), H


class Problem:
    """A network, its data and its loss, opened up: evaluator, start, and the way back to a network."""

    def __init__(self, given: Given) -> None:
        cpu = [Layer(W.cpu(), None if b is None else b.cpu(), s) for W, b, s in given.layers]
        self.found, self.x, self.y, self.loss = cpu, given.x.cpu(), given.y.cpu(), given.loss
        self.start = flat(cpu).numpy()
        two_layer = is_two_layer(self.found)
        build = TwoLayer(*self.found, self.x, self.y, self.loss) if two_layer else None
        self.evaluator: Evaluator = build or General(self.found, self.x, self.y, self.loss)
        self.extended = (
            two_layer
            and build.mse
            and has_extended(self.found[0].activation)
            and np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
        )

    def layers(self, theta: NDArray) -> list[Layer]:
        """The layers with the parameters θ."""
        return unflat(self.found, torch.from_numpy(np.array(theta, dtype=np.float64)))

    def network(self, theta: NDArray) -> nn.Sequential:
        """A new float64 network with the parameters θ."""
        return sequential(self.layers(theta))

    def autograd(self, net: nn.Sequential) -> tuple[float, NDArray]:
        """R and ∇R as PyTorch computes them for a network, independent of the evaluator."""
        with differentiable():
            value = self.loss(net(self.x), self.y)
            pieces = torch.autograd.grad(value, list(net.parameters()), materialize_grads=True)
        return value.item(), torch.cat([piece.reshape(-1) for piece in pieces]).numpy()

    def hidden(self, theta: NDArray) -> list[tuple[NDArray, NDArray, nn.Module]]:
        """(inputs, pre-activations, activation) of every layer that has one."""
        return [
            (inputs.numpy(), z.numpy(), layer.activation)
            for layer, inputs, z in steps(self.layers(theta), self.x)
            if layer.activation is not None
        ]
