"""Data and targets as a reader brings them: finite, real, and compared one by one, never broadcast."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from epbook.checks import in_pieces
from epbook.losses import Loss, is_mse
from epbook.networks import Layer, forward


def is_finite(values: Tensor) -> bool:
    """Whether no entry is infinite or NaN; the sum tells it at once, unless finite entries overflow in it.

    values: of any shape. Raises nothing of its own. Source: the conventions of the whole book.

    >>> is_finite(torch.tensor([1e308, 1e308], dtype=torch.float64))
    True
    """
    return math.isfinite(values.sum().item()) or bool(torch.isfinite(values).all())


def refuse_meta(found: list[Layer]) -> None:
    """Raise ValueError where the weights have no values, for what cannot do without them.

    Source: torch's meta device, of shapes alone.

    >>> refuse_meta([Layer(torch.ones(1, 1, device="meta"), None, None)])
    Traceback (most recent call last):
    ValueError: the network is on the meta device, where its weights have no values: load them first
    """
    if found[0].weight.is_meta:
        raise ValueError(
            "the network is on the meta device, where its weights have no values: load them first"
        )


def wide(values: Tensor) -> Tensor:
    """The values in float64, detached, on their own device; usable by autograd wherever they come from.

    Source: the conventions of the whole book.

    >>> wide(torch.ones(1)).dtype
    torch.float64
    """
    values = values.detach()
    if values.dtype is torch.float64 and not values.is_inference():
        return values  # as `to` does, in a tenth of its time
    return values.to(torch.float64, copy=values.is_inference())


def table(values: object, name: str, device: torch.device) -> Tensor:
    """Finite real data as a tensor on the network's device; NumPy arrays are read too.

    Raises TypeError for other kinds, ValueError for another device and for numbers that are not finite.
    Source: the conventions of the whole book.

    >>> import numpy as np
    >>> table(np.ones((2, 1)), "x", torch.device("cpu")).shape
    torch.Size([2, 1])
    """
    if isinstance(values, np.ndarray):
        values = torch.as_tensor(values.copy()) if values.dtype.kind in "fiub" else values
    if not isinstance(values, Tensor):
        hint = in_pieces(values) or (": hand all of it over at once" if hasattr(values, "__iter__") else "")
        raise TypeError(f"{name} must be a tensor of real numbers, got {type(values).__name__}{hint}")
    if values.is_complex() or values.layout is not torch.strided:
        raise TypeError(f"{name} must be a dense tensor of real numbers, got {values.dtype}, {values.layout}")
    if values.device != device:
        raise ValueError(
            f"{name} is on {values.device}, the network on {device}: bring them together with .to"
        )
    if device.type != "meta" and values.is_floating_point() and not is_finite(values):
        bad = (~torch.isfinite(values)).nonzero()[0].tolist()
        raise ValueError(f"{name} holds {values[tuple(bad)].item()} at {bad}: all values must be finite")
    return values


def target(found: list[Layer], x: Tensor, y: Tensor, loss: Loss) -> Tensor:
    """The target in the form that the loss takes, or ValueError where it would be broadcast.

    Source: the conventions of the whole book.

    >>> from torch.nn.functional import huber_loss
    >>> target([Layer(torch.ones(1, 1), None, None)], torch.ones(4, 1), torch.ones(4), huber_loss)
    Traceback (most recent call last):
    ValueError: y must be of shape (4, 1) like the output, got (4,): the loss would compare every output \
with every target. Use y[:, None]
    """
    shape = (len(x), found[-1].width)
    whole = not y.is_floating_point()
    wrong = (
        f"y must be of shape {shape} like the output, got {tuple(y.shape)}: the loss would compare "
        "every output with every target"
    )
    hint = ""
    if tuple(y.shape) == shape[:1]:
        labels = ". For class labels pass a loss that takes them, such as torch.nn.functional.cross_entropy"
        hint = ". Use y[:, None]" if shape[1] == 1 else labels if whole else ""
    if tuple(y.shape) != shape and (not whole or is_mse(loss)):
        raise ValueError(wrong + hint)
    if is_mse(loss):
        return wide(y)
    if x.device.type == "meta":
        return y if whole else wide(y)
    with torch.no_grad():
        output = forward(found, x)
        if not whole:
            return _one_number(loss, output, wide(y))
        # A loss that takes labels cannot take them as numbers with a point; one that compares can.
        try:
            loss(output, y.double())
        except (RuntimeError, ValueError, TypeError, IndexError):
            return _one_number(loss, output, y.detach())
        if tuple(y.shape) != shape:
            raise ValueError(wrong + hint)
        return _one_number(loss, output, y.double())


def _one_number(loss: Loss, output: Tensor, y: Tensor) -> Tensor:
    """y, after the loss has shown that it gives one number."""
    try:
        value = loss(output, y)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ValueError(
            f"the loss cannot compare an output of shape {tuple(output.shape)} with y of shape "
            f"{tuple(y.shape)}, {y.dtype}: {error}"
        ) from error
    if not isinstance(value, Tensor) or value.numel() != 1:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise ValueError(f"the loss must give one number, got {got}: use reduction='mean' or sum it up")
    return y
