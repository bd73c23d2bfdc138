"""Data for which a given network is a critical point: critical points of any depth without a search."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.checks import positive, whole
from epbook.given import differentiable, read, refuse_meta, unflat
from epbook.networks import forward


def critical_targets(net: nn.Sequential, x: Tensor, *, residual: float = 1.0, seed: int = 0) -> Tensor:
    """Targets y that make `net`, as it stands, a critical point of the mean squared error.

    y = f(x) + r with Jᵀr = 0, J = ∂f(x)/∂θ: then ∇L = (2/N) Jᵀ(f − y) = 0. The residual r is drawn from
    the complement of the tangent space, so the point is generic: minimum or saddle, of any depth.

    x: (n, inputs), with n · outputs above the number of parameters. residual: root mean square of r, in
    units of the output. Returns y, (n, outputs), float64: rounded to float32 it would be critical no more.
    Raises ValueError where there are too few samples or the residual is not positive.
    Source: the normal equations of least squares, read backwards.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> x = torch.linspace(-2, 2, 20, dtype=torch.float64)[:, None]
    >>> nn.functional.mse_loss(net(x), critical_targets(net, x)).backward()
    >>> bool(net[0].weight.grad.abs().max() < 1e-14)
    True
    """
    given = read(net, x)
    if given.x is None:
        raise TypeError("x must be a tensor of real numbers, got None")
    refuse_meta(given.layers)
    size, random = positive(residual, "residual"), torch.Generator().manual_seed(whole(seed, "seed"))
    count, parameters = len(given.x) * given.outputs, len(given.theta)
    if count <= parameters:
        raise ValueError(
            f"{len(given.x)} samples give {count} outputs for {parameters} parameters: no residual is left. "
            "Take more samples"
        )
    at = given.x

    def outputs(theta: Tensor) -> Tensor:
        return forward(unflat(given.layers, theta), at).flatten()

    with differentiable():
        jacobian = torch.func.jacrev(outputs)(given.theta)
    basis, _ = torch.linalg.qr(jacobian.detach())  # (n · outputs, parameters)
    r = torch.randn(count, generator=random, dtype=torch.float64).to(given.x.device)
    for _ in range(2):  # the second projection removes what rounding left in the first
        r = r - basis @ (basis.T @ r)
    r = r * (size / r.square().mean().sqrt())
    return forward(given.layers, given.x) + r.view(len(given.x), -1)
