"""Units that a reader names in a network of their own, checked on data before they are believed."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from epbook.units.parts import Part, Units
from epbook.units.problem import Problem
from epbook.units.read import read
from epbook.units.split import split

# Relative to the largest output: far above rounding, far below what a wrong reading changes.
_SAME = 1e-9


def named(
    net: nn.Module,
    x: Tensor,
    *,
    incoming: Sequence[str | Part],
    outgoing: str | Part,
    kind: str = "units",
    sum_at: str | None = None,
    homogeneous: bool = False,
) -> Units:
    """A family of units that you name in a network of your own, after a check that they are units.

    Σ_j C_j φ(x; w_j): linear in C_j, each φ a function of its own w_j alone, all of one form.

    incoming: the modules (Linear, convolution) whose rows are w, or `Part`s of parameters. outgoing: the
    module that reads them, whose columns are C, or a `Part`. sum_at: the module whose output is the sum,
    default `outgoing`. homogeneous: whether φ(x; s·w) = s φ(x; w) for s > 0.
    Checked on x: the sum is linear in C, and a split keeps the output. Returns `Units`, to be given as
    `units=` to the functions of this room. Raises ValueError with what fails: parts of different number, a
    sum that is not linear, units that are mixed or share something, a width written into the forward.
    Source: the page on units.

    >>> class Gated(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.gate, self.up, self.down = nn.Linear(2, 5), nn.Linear(2, 5), nn.Linear(5, 2)
    ...     def forward(self, x):
    ...         return self.down(nn.functional.silu(self.gate(x)) * self.up(x))
    >>> print(named(Gated(), torch.randn(4, 2), incoming=["gate", "up"], outgoing="down", kind="gated units"))
    gate: 5 gated units, summed in down
    """
    ins = [part for given in incoming for part in _parts(net, given, 0)]
    outs = _parts(net, outgoing, 1)[:1]
    if not ins:
        raise ValueError("incoming names nothing: give the modules or parts that hold w")
    counts = {part.name: len(part.sizes) for part in (*ins, *outs)}
    if len(set(counts.values())) != 1:
        raise ValueError(f"the parts are of different numbers of units, {counts}: are some of them shared?")
    if sum_at is None:
        if isinstance(outgoing, Part):
            raise ValueError("say with sum_at= which module's output is the sum; a module of its own will do")
        sum_at = outgoing
    name = incoming[0] if isinstance(incoming[0], str) else incoming[0].name
    family = Units(name, kind, tuple(ins), tuple(outs), sum_at, homogeneous)
    _check(net, x, family)
    return family


def _parts(net: nn.Module, given: str | Part, dim: int) -> list[Part]:
    if isinstance(given, Part):
        return [given]
    module = net.get_submodule(given)
    if not isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
        raise ValueError(
            f"{given} is a {type(module).__name__}: name a Linear, a convolution, or give a Part"
        )
    if dim == 1:
        return [Part(f"{given}.weight", 1, (1,) * module.weight.shape[1])]
    return [Part(f"{given}.{name}", 0, (1,) * len(part)) for name, part in module.named_parameters()]


def _check(net: nn.Module, x: Tensor, family: Units) -> None:
    problem = read(net, x)
    with torch.no_grad():
        _check_linear(problem, family)
        before = problem.output(problem.values)
        for unit in dict.fromkeys((0, len(family) - 1)):
            try:
                wide = split(copy.deepcopy(net).double(), units=family, unit=unit, alpha=0.3)
                after = wide(problem.x)
            except (RuntimeError, ValueError, TypeError) as error:
                raise ValueError(
                    f"with one unit more the network cannot run: its forward seems to have the number "
                    f"{len(family)} written into it. {error}"
                ) from error
            change = float((after - before).abs().max())
            if not change <= _SAME * float(before.abs().max().clamp(min=1e-300)):
                raise ValueError(
                    f"these are no units: a split of unit {unit} moves the output by {change:.2g}. Something "
                    "is mixed or shared between them, such as a norm or softmax across the units, or a "
                    "parameter that several of them use"
                )


def _check_linear(problem: Problem, family: Units) -> None:
    w, C = family.vectors(problem.values, 0)
    at = [
        problem.sum(family.replaced(problem.values, 0, w, factor * C), family.sum_at)
        for factor in (0.0, 1.0, 2.0)
    ]
    bend = float((at[2] - 2 * at[1] + at[0]).abs().max())
    if not bend <= _SAME * max(float(each.abs().max()) for each in at):
        raise ValueError(
            f"the output of {family.sum_at} is not linear in the outgoing parameters of a unit: doubled "
            f"they move it by {bend:.2g} more than twice. Name the module that forms the sum itself"
        )
