"""Tangent vectors of the set of critical points into which one critical point is embedded."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.embedding.step import Plan
from epbook.given import differentiable, flat, read, refuse_meta
from epbook.networks import Layer


def critical_directions(net: nn.Sequential, plan: Plan) -> Tensor:
    """Orthonormal tangent vectors of {plan with other free coefficients}(net) at plan(net).

    span of ∂(T_c θ)/∂c over the free coefficients c: shares of a split, biases of null neurons, scales of a
    homogeneous σ, β and α of a compatible embedding. Every point of the set is critical where `net` is,
    so these directions lie in the kernel of the wide Hessian.

    Returns (P, k) for P parameters of the wide net and k directions, float64, rows in the order of
    parameters_to_vector. A direction counts if its singular value is above 1e-10 of the largest, each layer
    measured by its own largest weight, so that the units of x and y do not matter. Raises what the plan
    raises, and ValueError on the meta device, where weights have no values. Source: EP21 theorem 2; JML22
    section 5 for the count K + Σ K_l K_{l−1} of compatible embeddings.

    >>> import epbook as ep
    >>> net = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> critical_directions(net, ep.plan.embed(net, [5])).shape
    torch.Size([15, 3])
    """
    if not isinstance(plan, Plan):
        raise TypeError(f"plan must be a Plan, as ep.plan.split gives, got {type(plan).__name__}")
    plan(net)  # refuses what the number type of the network cannot hold
    narrow = read(net).layers
    refuse_meta(narrow)
    with differentiable():
        start = plan.coefficients(narrow)
        sizes = [len(piece) for piece in start]
        wide = plan.rewrite(narrow)
        free = torch.cat(start) if start else narrow[0].weight.new_zeros(0)
        if len(free) == 0:
            return free.new_zeros(len(flat(wide)), 0)
        unit = flat([_units(layer) for layer in wide])

        def moved(coefficients: Tensor) -> Tensor:
            return flat(plan.rewrite(narrow, list(torch.split(coefficients, sizes))))

        # (wide parameters, free coefficients); vmap, and so torch.func, cannot do masked_scatter.
        tangent: Tensor = torch.autograd.functional.jacobian(moved, free)  # type: ignore[no-untyped-call]
    left, size, _ = torch.linalg.svd(tangent / unit[:, None], full_matrices=False)
    directions: Tensor = torch.linalg.qr(left[:, size > 1e-10 * size[0]] * unit[:, None])[0]
    return directions


def _units(layer: Layer) -> Layer:
    """The layer with its largest weight in place of every parameter; 1 where all are 0."""
    largest = layer.incoming.abs().max()
    unit = torch.where(largest > 0, largest, 1.0)
    bias = None if layer.bias is None else torch.ones_like(layer.bias) * unit
    return layer._replace(weight=torch.ones_like(layer.weight) * unit, bias=bias)
