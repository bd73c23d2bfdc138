"""The sum that a family of units enters, seen from outside: its value, and the loss's slope there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.activations import activation_of, is_elementwise
from epbook.given import differentiable
from epbook.given.kinks import NEAR_KINK
from epbook.losses import Loss
from epbook.results import Result


class _Reached(Exception):
    """Thrown by the hook once the sum is there: what follows it need not be computed."""


@dataclass(frozen=True, eq=False)
class Problem(Result):
    """A network of any kind with data and a loss, in float64, as a function of its named parameters.

    net: a copy with `Attention` in place of nn.MultiheadAttention. values: its parameters by name.
    Source: `epbook.units`.
    """

    net: nn.Module
    values: dict[str, Tensor]
    x: Tensor
    y: Tensor | None
    loss: Loss

    def output(self, values: Mapping[str, Tensor]) -> Tensor:
        """f(x) at these parameters."""
        result: Tensor = torch.func.functional_call(self.net, dict(values), (self.x,))
        return result

    def risk(self, values: Mapping[str, Tensor]) -> Tensor:
        """R = loss(f(x), y) at these parameters."""
        assert self.y is not None
        return self.loss(self.output(values), self.y)

    def sum(self, values: Mapping[str, Tensor], sum_at: str) -> Tensor:
        """The output of module `sum_at` at these parameters."""
        kept: list[Tensor] = []

        def keep(_module: nn.Module, _given: object, result: Tensor) -> None:
            kept.append(result)
            raise _Reached

        with hooked(self.net.get_submodule(sum_at), keep):
            try:
                self.output(values)
            except _Reached:
                return kept[0]
        raise ValueError(f"the network never calls {sum_at}, where these units are summed")

    def slope(self, sum_at: str) -> Tensor:
        """e = ∂R/∂(sum), of the sum's shape. Raises ValueError where the sum is made more than once."""
        kept: list[Tensor] = []

        def keep(_module: nn.Module, _given: object, result: Tensor) -> Tensor:
            kept.append(result.detach().requires_grad_(True))
            return kept[-1]

        with differentiable(), hooked(self.net.get_submodule(sum_at), keep):
            risk = self.risk(self.values)
            if len(kept) != 1:
                raise ValueError(
                    f"{sum_at or 'the network'} is called {len(kept)} times: units that enter two sums "
                    "share their weights between them, and the law is for one"
                )
            (e,) = torch.autograd.grad(risk, kept[0])
        return e.detach()

    def refuse_kinks(self) -> None:
        """Raise ValueError where an activation of a module is at its kink: no second derivative there."""
        handles = []
        try:
            for name, module in self.net.named_modules():
                if is_elementwise(module) and activation_of(module).kinks:
                    handles.append(module.register_forward_pre_hook(_no_kink(name)))
            self.output(self.values)
        finally:
            for handle in handles:
                handle.remove()


def _no_kink(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def look(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        z = given[0]
        for kink in activation_of(module).kinks:
            distance = float((z - kink).abs().min())
            if distance <= NEAR_KINK * max(float(z.abs().max()), abs(kink)):
                raise ValueError(
                    f"no second derivative here: an input of {module} ({name}) is {distance:.1e} away from "
                    f"its kink at {kink:g}"
                )

    return look


@contextmanager
def hooked(module: nn.Module, hook: Callable) -> Iterator[None]:
    """A forward hook, as long as the block lasts. Source: PyTorch's forward hooks."""
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
