"""How far rounding moves a result, measured: every operation is done again with its last digits at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

EPS = torch.finfo(torch.float64).eps
OFFSETS = 2**14  # places at which an operation may begin to read the drawn signs
POWERS = 60  # with k of them the norm of an (n, n) matrix is expected within 0.9 ln n / k


class RandomRounding(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside this context every operation of PyTorch takes inputs and gives outputs that are off by ±ε.

    The signs are random entry by entry: each operation reads one long draw from a place of its own, since to
    draw for every number again would take several times as long as the arithmetic that it disturbs. So a
    sum of terms that cancel shows what cancelled, and 1 − tanh² of a saturated neuron that it is known to ε
    of 1 only. It works below autograd and torch.func, on what they compute too.
    Source: Monte Carlo arithmetic, Parker 1997.

    >>> one = torch.ones(1, dtype=torch.float64)
    >>> with RandomRounding(seed=0):
    ...     difference = (one + 1e8) - 1e8
    >>> 1e-9 < abs(difference.item() - 1) < 1e-6
    True
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.draw = torch.Generator().manual_seed(seed)
        self.factors = torch.ones(0, dtype=torch.float64)  # 1 ± ε

    def __torch_dispatch__(self, func: Any, types: Sequence[type], args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.is_view or func._schema.is_mutable:
            return func(*args, **kwargs)
        return self._moved(func(*self._moved(args), **kwargs))

    def _moved(self, value: Any) -> Any:
        if type(value) in (tuple, list):
            return type(value)(map(self._moved, value))
        if not isinstance(value, Tensor) or value.dtype is not torch.float64:
            return value
        count = value.numel()
        if len(self.factors) < count + OFFSETS:
            signs = torch.randint(2, (count + OFFSETS,), generator=self.draw, dtype=torch.float64)
            self.factors = 1 + EPS * (2 * signs - 1)
        begin = int(torch.randint(OFFSETS, (), generator=self.draw))
        return value * self.factors[begin : begin + count].view(value.shape).to(value.device)


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


def largest(S: Tensor) -> float:
    """‖S‖₂ of a symmetric matrix from below, to about a tenth: the size of a threshold needs no n³ steps.

    v ← Sv / ‖Sv‖, `POWERS` times from a random start.

    Source: power iteration, Kuczyński and Woźniakowski 1992.

    >>> round(largest(torch.diag(torch.tensor([1.0, -3.0, 2.0]).double())), 6)
    3.0
    """
    draw = torch.Generator().manual_seed(0)
    v = torch.randn(len(S), generator=draw, dtype=torch.float64).to(S.device)
    size = float(torch.linalg.vector_norm(v))
    for _ in range(POWERS):
        if size == 0:
            break
        v = S @ (v / size)
        size = float(torch.linalg.vector_norm(v))
    return size
