"""The dense Hessian of a loss with respect to all parameters, exact and in float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from epbook.activations import activation_of
from epbook.critical.closed_form import Loss, TwoLayer, is_mse
from epbook.networks import Layer, layers

# Entries of the intermediate tensors that the general route holds at once (8 bytes each).
_CHUNK = 2**25


def hessian(model: nn.Module, x: Tensor, y: Tensor, *, loss: Loss = mse_loss, kink: float = 1e-9) -> Tensor:
    """All second derivatives of R(θ) = loss(f_θ(x), y), in the order of parameters_to_vector.

    H_kl = ∂²R/∂θ_k∂θ_l. Two layers: closed form, Jᵀ(∂²R/∂f²)J plus one block per neuron. Other
    depths: reverse over reverse differentiation, as exact.

    model: nn.Sequential of Linear and elementwise activations; x: (n, d); y: whatever `loss` takes,
    (n, d_out) for the mean squared error. Units: those of the loss per parameter². Returns (P, P),
    float64, symmetric; the model is read, not changed.
    kink: ReLU and its like have no second derivative where a pre-activation is 0; the Hessian is
    refused where one is below `kink` times the largest of its layer.
    Raises TypeError where the model or the data are of the wrong kind, ValueError where shapes do not
    fit, a number is not finite, or a pre-activation is at a kink.
    Source: chapter section 1.2.

    >>> import epbook as ep
    >>> net = ep.sequential([(torch.ones(1, 1), None, nn.Tanh()), (torch.ones(1, 1), None, None)])
    >>> hessian(net, torch.zeros(4, 1), torch.ones(4, 1)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    found, x, y = checked(model, x, y, loss)
    refuse_kinks(found, x, kink)
    if is_two_layer(found):
        problem = TwoLayer(found[0], found[1], x, y, loss)
        H = torch.from_numpy(problem.evaluate(parameters(found).numpy())[2])
    else:
        H = general_hessian(found, x, y, loss, parameters(found))
    if not is_finite(H):
        raise ValueError("the Hessian has entries that are not finite: the loss overflows")
    return H


def is_two_layer(found: list[Layer]) -> bool:
    """Whether the closed form applies: one hidden layer, and nothing behind the second Linear."""
    return len(found) == 2 and found[1].activation is None


def parameters(found: list[Layer]) -> Tensor:
    """θ as one float64 vector, in the order of torch.nn.utils.parameters_to_vector."""
    pieces = [p.detach().reshape(-1) for layer in found for p in layer.linear.parameters()]
    return torch.cat(pieces).to(torch.float64)


def checked(model: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> tuple[list[Layer], Tensor, Tensor]:
    """The model's layers and the data in float64, or an error that names what does not fit."""
    found = layers(model)
    for name, given in (("x", x), ("y", y)):
        if not isinstance(given, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(given).__name__}")
        if not is_finite(given):
            raise ValueError(f"{name} holds values that are not finite")
    width = found[0].linear.in_features
    if x.ndim != 2 or x.shape[1] != width or len(x) == 0:
        raise ValueError(f"x must be of shape (n, {width}) for this model, got {tuple(x.shape)}")
    if is_mse(loss) and y.shape != (len(x), found[-1].linear.out_features):
        # mse_loss would broadcast (n,) against (n, 1) to n² differences, with a mere warning.
        expected = (len(x), found[-1].linear.out_features)
        raise ValueError(f"y must be of shape {expected} for the mean squared error, got {tuple(y.shape)}")
    for name, parameter in model.named_parameters():
        if not is_finite(parameter):
            raise ValueError(f"parameter {name} holds values that are not finite")
    y = y.detach().to(torch.float64) if y.is_floating_point() else y
    return found, x.detach().to(torch.float64), y


def is_finite(values: Tensor) -> bool:
    """Whether no entry is infinite or NaN; the sum tells it at once, unless finite entries overflow in it."""
    return math.isfinite(values.detach().sum().item()) or bool(torch.isfinite(values).all())


def refuse_kinks(found: list[Layer], x: Tensor, tolerance: float) -> None:
    """Raise ValueError where a pre-activation is within `tolerance` (relative) of a kink of its σ."""
    kinks = [None if layer.activation is None else activation_of(layer.activation).kink for layer in found]
    if all(kink is None for kink in kinks):
        return
    with torch.no_grad():
        for depth, (layer, kink) in enumerate(zip(found, kinks, strict=True)):
            z = affine(layer, x)
            if kink is not None:
                distance = (z - kink).abs()
                near = distance.argmin()
                if distance.flatten()[near] <= tolerance * distance.max():
                    sample, neuron = divmod(near.item(), z.shape[1])
                    raise ValueError(
                        f"no Hessian here: neuron {neuron} of layer {depth} has the pre-activation "
                        f"{z[sample, neuron].item():.3g} at sample {sample}, on the kink of "
                        f"{layer.activation} within the tolerance {tolerance:g}"
                    )
            x = z if layer.activation is None else layer.activation(z)


def affine(layer: Layer, x: Tensor) -> Tensor:
    """W x + b in float64, whatever the type of the model."""
    bias = layer.linear.bias
    return nn.functional.linear(x, layer.linear.weight.double(), None if bias is None else bias.double())


def output(found: list[Layer], theta: Tensor, x: Tensor) -> Tensor:
    """f_θ(x) as a function of the vector θ, for differentiation."""
    start = 0
    for layer in found:
        pieces = []
        for parameter in layer.linear.parameters():
            pieces.append(theta[start : start + parameter.numel()].view(parameter.shape))
            start += parameter.numel()
        x = nn.functional.linear(x, *pieces)
        x = x if layer.activation is None else layer.activation(x)
    return x


def general_hessian(found: list[Layer], x: Tensor, y: Tensor, loss: Loss, theta: Tensor) -> Tensor:
    """Reverse over reverse: the derivative of each entry of ∇R(θ), a chunk of entries at a time."""
    widest = max(layer.linear.out_features for layer in found)
    gradient = torch.func.grad(lambda t: loss(output(found, t, x), y))
    H = torch.func.jacrev(gradient, chunk_size=max(1, _CHUNK // (len(x) * widest)))(theta)
    return ((H + H.T) / 2).detach()
