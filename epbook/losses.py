"""Losses: what the package knows of the one it is given, and the ones of the book that PyTorch lacks."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

Loss = Callable[[Tensor, Tensor], Tensor]
"""loss(output, target) -> one number."""

__all__ = ["Loss", "is_mse", "mse_loss", "softmax_mse", "widened"]


def softmax_mse(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of class probabilities, the loss of the MNIST network.

    L = 1/(n·c) Σ_i ‖softmax(f(x_i)) − y_i‖², for n inputs and c classes.

    output, target: (n, c), target one-hot. Returns a scalar; 0.09 for ten classes at f = 0, which is
    where the textbook's curve starts. Raises ValueError where the shapes differ.
    Source: textbook section 1.4; the head is recovered from that starting value.

    >>> round(softmax_mse(torch.zeros(4, 10), torch.eye(10)[:4]).item(), 6)
    0.09
    """
    if output.shape != target.shape:
        raise ValueError(f"output of shape {tuple(output.shape)}, target of shape {tuple(target.shape)}")
    return mse_loss(torch.softmax(output, dim=1), target)


def is_mse(loss: Loss) -> bool:
    """Whether `loss` is PyTorch's mean squared error, as a function or as a module.

    L = 1/(n·k) ‖f − y‖². Raises nothing of its own. Source: the conventions of the whole book.

    >>> is_mse(mse_loss), is_mse(nn.MSELoss()), is_mse(nn.MSELoss(reduction="sum"))
    (True, True, False)
    """
    if type(loss) is nn.MSELoss:
        return loss.reduction == "mean"
    return loss is mse_loss


def widened(loss: Loss, device: torch.device) -> Loss:
    """A loss whose own tensors, class weights for instance, are float64 like the data.

    Raises nothing of its own. Source: the conventions of the whole book.

    >>> widened(nn.CrossEntropyLoss(weight=torch.ones(2)), torch.device("cpu")).weight.dtype
    torch.float64
    """
    if isinstance(loss, nn.Module) and loss.state_dict():
        return copy.deepcopy(loss).to(device, torch.float64)
    return loss
