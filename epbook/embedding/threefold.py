"""Three-fold global splitting: any degenerate-looking minimum becomes a strict saddle."""

from __future__ import annotations

import torch
from torch import nn

from epbook.embedding.compatible import Compatible
from epbook.embedding.plan import Embedded, Plan, carried_out
from epbook.given import layers


def three_fold(net: nn.Sequential, *, return_plan: bool = False) -> Embedded:
    """Three copies of the whole network side by side, the outputs read as f + f − f.

    W_1 ↦ [W_1; W_1; W_1], W_l ↦ diag(W_l, W_l, W_l), W_L ↦ [W_L, W_L, −W_L]. Moves δ, δ', δ + δ' of the
    three copies leave the output unchanged to first order and change the loss by −2 H⁽²⁾(δ, δ'), which
    takes both signs: a critical point with H⁽²⁾ ≠ 0 becomes a strict saddle (H⁽²⁾: the part of the
    Hessian with the second derivatives of the network).

    net: any nn.Sequential of Linear and elementwise activations with a hidden layer. Returns a new network
    of three times every hidden width (with its Plan where return_plan). Raises ValueError without hidden
    layers. Source: JML22 theorem 6.3.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, std=1.0)
    >>> torch.equal(three_fold(net)[2].weight[:, 4:], -net[2].weight)
    True
    """
    shapes = [weight.shape for weight, _, _ in layers(net)]
    if len(shapes) < 2:
        raise ValueError("three-fold splitting needs a hidden layer, the network has none")
    maps = tuple(tuple(range(shape[0])) * 3 for shape in shapes[:-1])
    copies = torch.eye(3, dtype=torch.float64)
    alphas = [torch.ones(3 * shapes[0][0], shapes[0][1], dtype=torch.float64)]
    alphas += [torch.kron(copies, torch.ones(shape, dtype=torch.float64)) for shape in shapes[1:-1]]
    signs = torch.tensor([[1.0, 1.0, -1.0]], dtype=torch.float64)
    alphas.append(torch.kron(signs, torch.ones(shapes[-1], dtype=torch.float64)))
    plan = Plan((Compatible(maps, tuple(alphas), ((),) * len(maps)),))
    return carried_out(plan, net, return_plan)
