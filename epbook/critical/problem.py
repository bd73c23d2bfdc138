"""The loss as a function of one parameter vector, in units of the data: what the finder steps on."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.critical.closed_form import TwoLayer
from epbook.critical.hessian import general_hessian, is_two_layer
from epbook.given import Given, differentiable, flat, unflat
from epbook.losses import Loss, is_mse
from epbook.networks import Layer, forward, sequential, steps


class Evaluator(Protocol):
    """θ ↦ R(θ), ∇R(θ), ∇²R(θ) (empty where not asked for)."""

    def evaluate(self, theta: NDArray, *, hessian: bool = True) -> tuple[float, NDArray, NDArray]: ...


class General:
    """R, ∇R and ∇²R of a net of any depth, by automatic differentiation."""

    def __init__(self, found: list[Layer], x: Tensor, y: Tensor, loss: Loss) -> None:
        self.found, self.x, self.y, self.loss = found, x, y, loss

    def evaluate(self, theta: NDArray, *, hessian: bool = True) -> tuple[float, NDArray, NDArray]:
        at = torch.from_numpy(np.array(theta, dtype=np.float64))
        gradient, value = torch.func.grad_and_value(
            lambda t: self.loss(forward(unflat(self.found, t), self.x), self.y)
        )(at)
        if not hessian:
            return value.item(), gradient.numpy(), np.empty((0, 0))
        H = general_hessian(self.found, self.x, self.y, self.loss, at)
        return value.item(), gradient.numpy(), H.numpy()


class Problem:
    """A network, its data and its loss, opened up: evaluator, start, and the way back to a network.

    With `scaled`, everything inside is in units of the data: x_k in units of its largest value, f and y in
    those of the largest target, and the weights in the units that follow. The units are powers of two, so
    that changing between them rounds nothing; where the finder says 1, it means one such unit.
    """

    def __init__(self, given: Given, *, scaled: bool = True) -> None:
        self.original = [Layer(W.cpu(), None if b is None else b.cpu(), s) for W, b, s in given.layers]
        self.x_given, self.y_given, self.loss_given = given.x.cpu(), given.y.cpu(), given.loss
        mse, last = is_mse(given.loss), self.original[-1]
        unit_x, unit_y = torch.ones(self.original[0].inputs, dtype=torch.float64), 1.0
        if scaled:
            unit_x = torch.tensor([_unit(column) for column in self.x_given.T], dtype=torch.float64)
            if self.y_given.is_floating_point() and last.activation is None:
                unit_y = _unit(self.y_given)
        self.units = _units(self.original, unit_x, unit_y)
        self.loss_unit = unit_y**2 if mse else 1.0
        self.start = flat(self.original).numpy() / self.units
        self.found, self.x = self.layers(self.start), self.x_given / unit_x
        self.y, self.loss = self.y_given, self.loss_given
        if mse:
            self.y = self.y_given / unit_y
        elif scaled:
            self.loss = lambda f, y: given.loss(f * unit_y, y)
            self.loss_unit = _steepness(self.loss, forward(self.found, self.x), self.y)
            self.loss = lambda f, y: given.loss(f * unit_y, y) / self.loss_unit
        self.evaluator: Evaluator = General(self.found, self.x, self.y, self.loss)
        if is_two_layer(self.found):
            first, second = self.found
            self.evaluator = TwoLayer(first, second, self.x, self.y, self.loss)

    def layers(self, theta: NDArray) -> list[Layer]:
        """The layers with the parameters θ, in the units of this class."""
        return unflat(self.original, torch.from_numpy(np.array(theta, dtype=np.float64)))

    def network(self, theta: NDArray) -> nn.Sequential:
        """A new float64 network with the parameters θ, in the units of the reader."""
        return sequential(self.layers(theta * self.units))

    def autograd(self, net: nn.Sequential) -> tuple[float, NDArray]:
        """R and ∇R as PyTorch computes them for a network, independent of the evaluator."""
        with differentiable():
            value = self.loss_given(net(self.x_given), self.y_given)
            pieces = torch.autograd.grad(value, list(net.parameters()), materialize_grads=True)
        return value.item(), torch.cat([piece.reshape(-1) for piece in pieces]).numpy()

    def outward_floor(self, H: NDArray, ulp: NDArray) -> float:
        """What one unit in the last place of one parameter does to ‖∇R‖₁ of the reader's network at most."""
        columns = (np.abs(H) / self.units[:, None]).sum(axis=0)
        return self.loss_unit * float((ulp * columns).max(initial=0.0))

    def hidden(self, theta: NDArray) -> list[tuple[NDArray, NDArray, nn.Module]]:
        """(inputs, pre-activations, activation) of every layer that has one."""
        return [
            (inputs.numpy(), z.numpy(), layer.activation)
            for layer, inputs, z in steps(self.layers(theta), self.x)
            if layer.activation is not None
        ]


def _unit(values: Tensor) -> float:
    """The power of two next below the largest |value|, 1 where all are zero."""
    largest = float(values.abs().max())
    return float(2.0 ** np.floor(np.log2(largest))) if 0 < largest < np.inf else 1.0


def _steepness(loss: Loss, f: Tensor, y: Tensor) -> float:
    """The power of two next below Σ |∂R/∂f| where all outputs are 0 or 1, in which a loss is measured."""
    with differentiable():
        ends = [torch.zeros_like(f).requires_grad_(), torch.ones_like(f).requires_grad_()]
        slopes = [torch.autograd.grad(loss(end, y), end, materialize_grads=True)[0] for end in ends]
    return _unit(torch.stack([slope.abs().sum() for slope in slopes]))


def _units(found: list[Layer], unit_x: Tensor, unit_y: float) -> NDArray:
    """What each parameter is measured in: weights per input, the last layer in outputs, all others in 1."""
    pieces = []
    for index, layer in enumerate(found):
        outer = unit_y if index == len(found) - 1 else 1.0
        weight = torch.full_like(layer.weight, outer)
        pieces.append(weight / unit_x if index == 0 else weight)
        if layer.bias is not None:
            pieces.append(torch.full_like(layer.bias, outer))
    return torch.cat([piece.reshape(-1) for piece in pieces]).numpy()
