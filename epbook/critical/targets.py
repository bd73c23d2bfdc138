"""Data for which a given network is a critical point: critical points of any depth without a search."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.given import layers


def critical_targets(net: nn.Sequential, x: Tensor, *, residual: float = 1.0, seed: int = 0) -> Tensor:
    """Targets y that make `net`, as it stands, a critical point of the mean squared error.

    y = f(x) + r with Jᵀr = 0, J = ∂f(x)/∂θ: then ∇L = (2/N) Jᵀ(f − y) = 0. The residual r is drawn from
    the complement of the tangent space, so the point is generic: minimum or saddle, of any depth.

    x: (n, inputs), in float64, with n · outputs above the number of parameters. residual: root mean square
    of r, in units of the output. Returns y, (n, outputs). Raises ValueError where there are too few samples.
    Source: the normal equations of least squares, read backwards.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> x = torch.linspace(-2, 2, 20, dtype=torch.float64)[:, None]
    >>> nn.functional.mse_loss(net(x), critical_targets(net, x)).backward()
    >>> bool(net[0].weight.grad.abs().max() < 1e-14)
    True
    """
    layers(net)
    names = [name for name, _ in net.named_parameters()]
    values = tuple(p.detach() for p in net.parameters())

    def output(*values: Tensor) -> Tensor:
        return torch.func.functional_call(net, dict(zip(names, values, strict=True)), (x,)).flatten()

    blocks = torch.func.jacrev(output, argnums=tuple(range(len(values))))(*values)
    jacobian = torch.cat([block.reshape(block.shape[0], -1) for block in blocks], dim=1)
    count, parameters = jacobian.shape  # (n · outputs, parameters)
    if count <= parameters:
        raise ValueError(
            f"{len(x)} samples give {count} outputs for {parameters} parameters: no residual is left. "
            "Take more samples"
        )
    basis, _ = torch.linalg.qr(jacobian)
    r = torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=jacobian.dtype)
    for _ in range(2):  # the second projection removes what rounding left in the first
        r = r - basis @ (basis.T @ r)
    r = r * (residual / r.square().mean().sqrt())
    with torch.no_grad():
        return net(x) + r.view(len(x), -1)
