"""Targets for which a network of any kind, as it stands, is a critical point."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.checks import positive, whole
from epbook.units.read import read


def critical_targets(net: nn.Module, x: Tensor, *, residual: float = 1.0, seed: int = 0) -> Tensor:
    """Targets y that make `net` a critical point of the mean squared error: no search, any architecture.

    y = f(x) + r with Jᵀr = 0, J = ∂f(x)/∂θ, r drawn from the complement of the tangent space.

    As `ep.critical.critical_targets`, for any nn.Module. residual: root mean square of r. Returns y in
    float64, of the output's shape. Raises ValueError where the outputs are not more than the rank of J.
    Source: the normal equations of least squares, read backwards.

    >>> net = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1)).double()
    >>> x = torch.linspace(-2, 2, 20, dtype=torch.float64)[:, None]
    >>> nn.functional.mse_loss(net(x), critical_targets(net, x)).backward()
    >>> bool(net[0].weight.grad.abs().max() < 1e-14)
    True
    """
    problem, size = read(net, x), positive(residual, "residual")
    output = problem.output(problem.values).detach()
    pieces = torch.func.jacrev(problem.output)(problem.values)
    J = torch.cat([piece.flatten(output.ndim).flatten(0, -2) for piece in pieces.values()], dim=1).detach()
    left, singular, _ = torch.linalg.svd(J)
    rank = int((singular > 1e-12 * singular[0]).sum())
    if rank >= len(J):
        raise ValueError(f"{len(J)} outputs for a tangent space of dimension {rank}: take more samples")
    free = left[:, rank:]
    draw = torch.Generator().manual_seed(whole(seed, "seed"))
    r = free @ torch.randn(free.shape[1], generator=draw, dtype=torch.float64).to(free.device)
    r = r - left[:, :rank] @ (left[:, :rank].T @ r)
    y: Tensor = output + (r * size / r.square().mean().sqrt()).view(output.shape)
    return y
