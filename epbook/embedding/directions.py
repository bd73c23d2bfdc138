"""Tangent vectors of the set of critical points into which one critical point is embedded."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.embedding.plan import Plan
from epbook.given import layers


def critical_directions(net: nn.Sequential, plan: Plan) -> Tensor:
    """Orthonormal tangent vectors of {plan with other free coefficients}(net) at plan(net).

    span of ∂(T_c θ)/∂c over the free coefficients c: shares of a split, biases of null neurons, scales of a
    homogeneous σ, β and α of a compatible embedding. Every point of the set is critical where `net` is,
    so these directions lie in the kernel of the wide Hessian.

    Returns (number of wide parameters, dimension), rows in the order of parameters_to_vector; a direction
    counts if its singular value is above 1e-10 of the largest. Raises what the plan raises.
    Source: EP21 theorem 2; JML22 section 5 for the count K + Σ K_l K_{l−1} of compatible embeddings.

    >>> from epbook.embedding import embed
    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> wide, plan = embed(net, [5], return_plan=True)
    >>> critical_directions(net, plan).shape
    torch.Size([15, 3])
    """
    if not isinstance(plan, Plan):
        raise TypeError(f"plan must be a Plan, as return_plan=True gives, got {type(plan).__name__}")
    narrow = layers(net)
    start = plan.coefficients(narrow)
    sizes = [len(piece) for piece in start]

    def vector(free: Tensor) -> Tensor:
        wide = plan.rewrite(narrow, list(free.split(sizes)))
        return torch.cat([t.flatten() for weight, bias, _ in wide for t in (weight, bias) if t is not None])

    free = torch.cat(start) if start else narrow[0][0].new_zeros(0)
    if len(free) == 0:
        return vector(free).new_zeros(len(vector(free)), 0)
    tangent = torch.autograd.functional.jacobian(vector, free)  # (wide parameters, free coefficients)
    left, size, _ = torch.linalg.svd(tangent, full_matrices=False)
    return left[:, size > 1e-10 * size[0]]
