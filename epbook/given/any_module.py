"""Any nn.Module with its data, read in float64: for what needs its outputs alone, not its layers."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from epbook.given.data import is_finite, table, wide


def free_copy(net: nn.Module) -> nn.Module:
    """A copy of a network of any kind in float64, all its parameters free; the network is not changed.

    Raises TypeError for no module, ValueError for one without parameters, on the meta device, with numbers
    that are not finite, or with dropout at work. Source: the conventions of the whole book.

    >>> free_copy(nn.Linear(2, 1).requires_grad_(False)).weight.requires_grad
    True
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"expected a network, an nn.Module, got {type(net).__name__}")
    for name, module in net.named_modules():
        p = module.p if isinstance(module, nn.modules.dropout._DropoutNd) else getattr(module, "dropout", 0)
        if module.training and isinstance(p, float) and p > 0:
            raise ValueError(f"dropout ({name}) is at work, so the output is drawn anew: call net.eval()")
    for name, part in net.named_parameters():
        if part.is_meta:
            raise ValueError(
                "the network is on the meta device, where its weights have no values: load them first"
            )
        if not is_finite(part.detach()):
            raise ValueError(f"{name} holds values that are not finite")
    with torch.inference_mode(False):
        own = copy.deepcopy(net).double().requires_grad_(True)
    for module in own.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training:
            # It uses the batch's own mean; what it would note down for later is no part of the output.
            module.running_mean = module.running_var = module.num_batches_tracked = None
    if next(own.parameters(), None) is None:
        raise ValueError("the network has no parameters")
    return own


def data_for(net: nn.Module, values: object, name: str) -> Tensor:
    """What a network of any kind takes: real numbers in float64, or indices (tokens, labels) as they are.

    values: of any shape that the network takes, which is kept. Raises what `table` raises. Source: the
    conventions of the whole book.

    >>> data_for(nn.Linear(2, 1), torch.ones(3, 2), "x").dtype
    torch.float64
    """
    taken = table(values, name, next(net.parameters()).device)
    with torch.inference_mode(False):  # what is made in inference mode is lost for autograd
        return wide(taken) if taken.is_floating_point() else taken.detach().clone()
