"""Targets for which a given network is a critical point: of any architecture, without a search."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.checks import positive, whole
from epbook.given import data_for, differentiable, free_copy


def critical_targets(net: nn.Module, x: Tensor, *, residual: float = 1.0, seed: int = 0) -> Tensor:
    """Targets y that make `net`, as it stands, a critical point of the mean squared error.

    y = f(x) + r with Jᵀr = 0, J = ∂f(x)/∂θ: then ∇R = (2/N) Jᵀ(f − y) = 0. The residual r is drawn from
    the complement of the tangent space, so the point is generic: minimum or saddle, of any depth.

    net: any nn.Module of one input. x: (n, …), so many that f(x) has more entries than the rank of J,
    which is at most the number of parameters. residual: root mean square of r, in units of the output.
    Returns y, float64, (n, outputs) as f(x) is: rounded to float32 it would be critical no more. Raises
    ValueError where there are too few samples or the residual is not positive, and for networks and data that
    cannot be read. Source: the normal equations of least squares, read backwards.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> x = torch.linspace(-2, 2, 20, dtype=torch.float64)[:, None]
    >>> nn.functional.mse_loss(net(x), critical_targets(net, x)).backward()
    >>> bool(net[0].weight.grad.abs().max() < 1e-14)
    True
    """
    size, random = positive(residual, "residual"), torch.Generator().manual_seed(whole(seed, "seed"))
    own = free_copy(net)
    at = data_for(own, x, "x")
    with differentiable():
        output = own(at)
        parameters = list(own.parameters())
        each = torch.eye(output.numel(), dtype=output.dtype, device=output.device)
        rows = torch.autograd.grad(
            output.flatten(), parameters, each, is_grads_batched=True, materialize_grads=True
        )
    f = output.detach()
    J = torch.cat([row.flatten(1) for row in rows], dim=1)  # (outputs, parameters)
    left, singular, _ = torch.linalg.svd(J, full_matrices=False)
    rank = int((singular > max(J.shape) * torch.finfo(J.dtype).eps * singular[0]).sum())
    if rank >= len(J):
        raise ValueError(
            f"{len(at)} samples give {len(J)} outputs, and the {J.shape[1]} parameters move them in "
            f"{rank} directions: no residual is left. Take more samples"
        )
    tangent = left[:, :rank]
    r = torch.randn(len(J), generator=random, dtype=J.dtype).to(J.device)
    for _ in range(2):  # the second projection removes what rounding left in the first
        r = r - tangent @ (tangent.T @ r)
    y: Tensor = f + (r * (size / r.square().mean().sqrt())).view(f.shape)
    return y
