"""How far rounding moves a result, measured: every operation is done again with its last digits at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

EPS = torch.finfo(torch.float64).eps


class RandomRounding(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside this context every operation of PyTorch takes inputs and gives outputs that are off by ±ε.

    The signs are drawn entry by entry. So a sum of terms that cancel shows what cancelled, and 1 − tanh² of
    a saturated neuron that it is known to ε of 1 only. It works below autograd and torch.func, on what they
    compute too. Source: Monte Carlo arithmetic, Parker 1997.

    >>> one = torch.ones(1, dtype=torch.float64)
    >>> with RandomRounding(seed=0):
    ...     difference = (one + 1e8) - 1e8
    >>> 1e-9 < abs(difference.item() - 1) < 1e-6
    True
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.draw = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.is_view or func._schema.is_mutable:
            return func(*args, **kwargs)
        return tree_map(self._moved, func(*tree_map(self._moved, args), **kwargs))

    def _moved(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or value.dtype is not torch.float64:
            return value
        signs = torch.randint(2, value.shape, generator=self.draw, dtype=torch.float64)
        return value * (1 + EPS * (2 * signs.to(value.device) - 1))


def spread(compute: Callable[[], Sequence[Tensor]], exact: Sequence[Tensor], draws: int = 2) -> list[float]:
    """The largest ‖result − exact‖ (Frobenius) of each tensor, over some draws of the rounding.

    Source: Monte Carlo arithmetic, Parker 1997.

    >>> x = torch.linspace(0, 1, 5, dtype=torch.float64)
    >>> spread(lambda: [x.exp().sum()], [x.exp().sum()])[0] < 1e-13
    True
    """
    worst = [0.0] * len(exact)
    for seed in range(draws):
        with RandomRounding(seed):
            found = compute()
        worst = [
            max(w, float(torch.linalg.vector_norm(one - other)))
            for w, one, other in zip(worst, found, exact, strict=True)
        ]
    return worst
