"""A network, data and a loss as one thing: float64 on the way in, given back in kind on the way out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import overload

import torch
from torch import Tensor, nn

from epbook.given.data import is_finite, table, target, wide
from epbook.given.modules import layers
from epbook.given.vector import flat
from epbook.losses import Loss, mse_loss, widened
from epbook.networks import Layer, Triple, sequential
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class GivenNetwork(Result):
    """A network as it was read, with the data that came along.

    layers: (weight, bias, activation) triples in float64, on the network's device. x, y: float64 (class
    labels as they came); None where not given. loss: with its own tensors in float64.
    original: the network itself, which nothing here changes. vector: all parameters, layer by layer.
    Source: the conventions of the whole book.
    """

    layers: list[Layer]
    x: Tensor | None
    y: Tensor | None
    loss: Loss
    original: nn.Sequential
    vector: Tensor

    @property
    def inputs(self) -> int:
        """How many numbers one sample has."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """How many numbers come out for one sample."""
        return self.layers[-1].width

    @property
    def theta(self) -> Tensor:
        """All parameters as one vector (P,), in the order of torch.nn.utils.parameters_to_vector.

        Raises ValueError where PyTorch's order is another, as it is after a pruning was made permanent.
        """
        linears = (module for module in self.original.modules() if isinstance(module, nn.Linear))
        if any(linear.bias is not None and next(iter(linear._parameters)) == "bias" for linear in linears):
            raise ValueError(
                "a Linear of this network holds its bias before its weight, so PyTorch numbers the "
                "parameters otherwise than usual: pass ep.sequential(ep.layers(net))"
            )
        return self.vector

    def network(self, layers: Sequence[Triple]) -> nn.Sequential:
        """A network of these layers as the reader knows theirs: type, device, mode, names, frozen parts."""
        return dressed(sequential(layers), self.original)


@dataclass(frozen=True, eq=False)
class Given(GivenNetwork):
    """A network, data and a loss as they were read. Source: the conventions of the whole book.

    >>> from epbook.networks import two_layer
    >>> read(two_layer(1, 3), torch.zeros(4, 1), torch.zeros(4, 1)).x.shape
    torch.Size([4, 1])
    """

    x: Tensor
    y: Tensor


@overload
def read(net: nn.Sequential, x: Tensor, y: Tensor, *, loss: Loss = ...) -> Given: ...
@overload
def read(
    net: nn.Sequential, x: Tensor | None = ..., y: Tensor | None = ..., *, loss: Loss = ...
) -> GivenNetwork: ...
def read(
    net: nn.Sequential, x: Tensor | None = None, y: Tensor | None = None, *, loss: Loss = mse_loss
) -> GivenNetwork:
    """Read a network, and data and a loss that go with it; refuse what would be read wrongly.

    x ↦ σ_L(W_L … σ_1(W_1 x + b_1) … + b_L), R = loss(f(x), y).

    net: as in `layers`; x: (n, inputs); y: (n, outputs), or whatever else the loss takes, such as labels.
    Tensors or NumPy arrays of real numbers; everything is taken to float64. A y that the loss would
    broadcast against the output, to n² differences, is refused whatever the loss.
    Raises TypeError for other kinds, ValueError for other shapes, numbers that are not finite, and losses
    that do not give one number; each says what to do. Source: the conventions of the whole book.

    >>> from epbook.networks import two_layer
    >>> given = read(two_layer(1, 3).float(), torch.zeros(4, 1), torch.zeros(4, 1))
    >>> given.x.dtype, given.theta.dtype, given.network(given.layers)[0].weight.dtype
    (torch.float64, torch.float64, torch.float32)
    """
    if not torch.is_inference_mode_enabled():
        return _read(net, x, y, loss)
    with torch.inference_mode(False):  # what is made in inference mode is lost for autograd
        return _read(net, x, y, loss)


def _read(net: nn.Sequential, x: Tensor | None, y: Tensor | None, loss: Loss) -> GivenNetwork:
    found = [Layer(wide(W), None if b is None else wide(b), s) for W, b, s in layers(net)]
    device = found[0].weight.device
    vector = flat(found)
    if device.type != "meta" and not is_finite(vector):
        for index, layer in enumerate(found):
            for name, part in (("weight", layer.weight), ("bias", layer.bias)):
                if part is not None and not is_finite(part):
                    raise ValueError(f"the {name} of layer {index} holds values that are not finite")
    if x is None:
        if y is not None:
            raise ValueError("y was given without x")
        return GivenNetwork(found, None, None, loss, net, vector)
    x = table(x, "x", device)
    if x.ndim != 2 or x.shape[1] != found[0].inputs or len(x) == 0:
        raise ValueError(
            f"x must be of shape (n, {found[0].inputs}) for this network, got {tuple(x.shape)}"
            + (": flatten it with x.flatten(1)" if x.ndim > 2 else "")
        )
    x = wide(x)
    if not callable(loss):
        raise TypeError(
            "loss must be a function of output and target, such as torch.nn.functional.mse_loss, "
            f"got {loss!r:.80}"
        )
    loss = widened(loss, device)
    if y is None:
        return GivenNetwork(found, x, None, loss, net, vector)
    return Given(found, x, target(found, x, table(y, "y", device), loss), loss, net, vector)


@contextmanager
def differentiable() -> Iterator[None]:
    """Autograd at work whatever the reader has switched off around the call.

    Raises nothing of its own. Source: the conventions of the whole book.

    >>> with torch.no_grad(), differentiable():
    ...     torch.ones(1, requires_grad=True).sum().requires_grad
    True
    """
    with torch.inference_mode(False), torch.enable_grad():
        yield


def dressed(built: nn.Sequential, original: nn.Sequential) -> nn.Sequential:
    """A new network with the number type, device and mode of another, and its names and frozen parameters.

    Names are kept where the modules correspond one to one; all parameters are frozen where all were, and
    each one that was where the layers correspond. Source: the conventions of the whole book.

    >>> from epbook.networks import two_layer
    >>> dressed(two_layer(1, 2), two_layer(1, 3).half().eval())[0].weight.dtype
    torch.float16
    """
    first = next(original.parameters())
    built = built.to(first.device, first.dtype)
    before, after = list(original.parameters()), list(built.parameters())
    if not any(part.requires_grad for part in before):
        built.requires_grad_(False)
    elif len(before) == len(after):
        for old, new in zip(before, after, strict=True):
            new.requires_grad_(old.requires_grad)
    names = list(original._modules)
    if len(names) == len(built) and all(
        type(old) is type(new) for old, new in zip(original, built, strict=True)
    ):
        built = nn.Sequential(OrderedDict(zip(names, built, strict=True)))
    for module in built.modules():
        if isinstance(module, nn.Sequential | nn.Linear):  # an activation has its own mode, as RReLU shows
            module.training = original.training
    return built
