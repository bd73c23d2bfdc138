"""The loss as a function of one parameter vector: what the finder steps on."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.critical.closed_form import Loss, TwoLayer
from epbook.critical.hessian import affine, checked, general_hessian, is_two_layer, output, parameters
from epbook.critical.jets import has_extended
from epbook.networks import Layer, sequential


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
            lambda t: self.loss(output(self.found, t, self.x), self.y)
        )(at)
        H = general_hessian(self.found, self.x, self.y, self.loss, at).numpy() if hessian else None
        return value.item(), gradient.numpy(), H


class Problem:
    """A model, its data and its loss, opened up: evaluator, start, and the way back to a model."""

    def __init__(self, model: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> None:
        self.found, self.x, self.y = checked(model, x, y, loss)
        self.loss = loss
        self.start = parameters(self.found).numpy()
        two_layer = is_two_layer(self.found)
        build = TwoLayer(*self.found, self.x, self.y, loss) if two_layer else None
        self.evaluator: Evaluator = build or General(self.found, self.x, self.y, loss)
        self.extended = (
            two_layer
            and build.mse
            and has_extended(self.found[0].activation)
            and np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
        )

    def model(self, theta: NDArray) -> nn.Sequential:
        """A new float64 network with the parameters θ."""
        pieces, start = [], 0
        vector = torch.from_numpy(np.array(theta, dtype=np.float64))
        for layer in self.found:
            weight = layer.linear.weight
            W = vector[start : start + weight.numel()].view(weight.shape)
            start += weight.numel()
            b = None
            if layer.linear.bias is not None:
                b = vector[start : start + len(weight)]
                start += len(weight)
            pieces.append((W, b, layer.activation))
        return sequential(pieces)

    def autograd(self, model: nn.Sequential) -> tuple[float, NDArray]:
        """R and ∇R as PyTorch computes them for a model, independent of the evaluator."""
        with torch.enable_grad():
            value = self.loss(model(self.x), self.y)
            pieces = torch.autograd.grad(value, list(model.parameters()), materialize_grads=True)
        return value.item(), torch.cat([piece.reshape(-1) for piece in pieces]).numpy()

    def hidden(self, model: nn.Sequential) -> list[tuple[NDArray, NDArray, nn.Module]]:
        """(inputs, pre-activations, activation) of every layer that has one."""
        seen, inputs = [], self.x
        with torch.no_grad():
            for layer in self.found_of(model):
                z = affine(layer, inputs)
                if layer.activation is not None:
                    seen.append((inputs.numpy(), z.numpy(), layer.activation))
                    z = layer.activation(z)
                inputs = z
        return seen

    def found_of(self, model: nn.Sequential) -> list[Layer]:
        """The layers of a network that `model` built; no need to check them again."""
        modules = iter(model)
        return [Layer(next(modules), layer.activation and next(modules)) for layer in self.found]
