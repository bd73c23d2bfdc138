"""Whether units are units on data: each called once, summed linearly, and a split keeps the output."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from epbook.units.parts import Units
from epbook.units.problem import Problem, hooked
from epbook.units.split import split

# Relative to the largest output: far above rounding, far below what a wrong reading changes.
_SAME = 1e-9


def refuse_no_units(net: nn.Module, problem: Problem, family: Units, units: Iterable[int]) -> None:
    """Raise ValueError where these units of a family are none on the data of the problem, with the reason.

    Σ_j C_j φ(x; w_j): C enters linearly, every unit alone, all in one form, and in one sum.

    net: the network as it came, of which `problem` is the reading. Source: the page on units.
    """
    with torch.no_grad():
        before = _refuse_twice(problem, family)
        for unit in units:
            _refuse_bent(problem, family, unit)
            _refuse_moved(net, problem, family, unit, before)


def _refuse_twice(problem: Problem, family: Units) -> Tensor:
    """The output, after a look at how often the modules that hold w and C were called."""
    holders = dict.fromkeys(part.name.rpartition(".")[0] for part in family.incoming + family.outgoing)
    calls: Counter[str] = Counter()
    with ExitStack() as stack:
        for path in holders:
            module = problem.net.get_submodule(path)
            stack.enter_context(hooked(module, lambda *_given, path=path: calls.update([path])))
        output = problem.output(problem.values)
    for path, count in calls.items():
        if count > 1:
            raise ValueError(
                f"{path or 'the network'} is called {count} times: units that enter two sums share their "
                "weights between them, and the law is for one"
            )
    return output


def _refuse_bent(problem: Problem, family: Units, unit: int) -> None:
    w, C = family.vectors(problem.values, unit)
    at = [
        problem.sum(family.replaced(problem.values, unit, w, factor * C), family.sum_at)
        for factor in (0.0, 1.0, 2.0)
    ]
    bend = float((at[2] - 2 * at[1] + at[0]).abs().max())
    if not bend <= _SAME * max(float(each.abs().max()) for each in at):
        raise ValueError(
            f"the output of {family.sum_at} is not linear in the outgoing parameters of a unit: doubled "
            f"they move it by {bend:.2g} more than twice. Name the module that forms the sum itself"
        )


def _refuse_moved(net: nn.Module, problem: Problem, family: Units, unit: int, before: Tensor) -> None:
    try:
        after = split(copy.deepcopy(net).double(), units=family, unit=unit, alpha=0.3)(problem.x)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ValueError(
            f"with one unit more the network cannot run: its forward seems to have the number {len(family)} "
            f"written into it. {error}"
        ) from error
    change = float((after - before).abs().max())
    if not change <= _SAME * float(before.abs().max().clamp(min=1e-300)):
        raise ValueError(
            f"these are no units: a split of unit {unit} moves the output by {change:.2g}. Something is "
            "mixed or shared between them, such as a norm or softmax across the units, or a parameter that "
            "several of them use"
        )
