"""The dense Hessian of a network of any kind, for small ones: what the law saves."""

from __future__ import annotations

import torch
from torch import Tensor

from epbook.units.problem import Problem


def dense_hessian(problem: Problem, *, chunk: int | None = None) -> Tensor:
    """All second derivatives of R, in the order of `problem.values`, (P, P): torch.func on the whole network.

    chunk: rows at a time, to save memory. Source: reverse over reverse differentiation.

    >>> from torch import nn
    >>> from epbook.units.read import read
    >>> dense_hessian(read(nn.Linear(1, 1), torch.ones(2, 1), torch.ones(2, 1))).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    names, shapes = list(problem.values), [value.shape for value in problem.values.values()]

    def risk(vector: Tensor) -> Tensor:
        pieces = torch.split(vector, [shape.numel() for shape in shapes])
        return problem.risk({n: p.view(s) for n, p, s in zip(names, pieces, shapes, strict=True)})

    start = torch.cat([value.flatten() for value in problem.values.values()])
    H: Tensor = torch.func.jacrev(torch.func.grad(risk), chunk_size=chunk)(start)
    return ((H + H.T) / 2).detach()
