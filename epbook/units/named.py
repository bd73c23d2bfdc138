"""Units that a reader names in a network of their own, checked on data before they are believed."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from epbook.units.check import refuse_no_units
from epbook.units.parts import Part, Units
from epbook.units.plain import unlike
from epbook.units.read import read


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

    x: of any shape that `net` takes.
    incoming: the modules (Linear, convolution) whose rows are w, or `Part`s of parameters. outgoing: the
    module that reads them, whose columns are C, or a `Part`. sum_at: the module whose output is the sum,
    default `outgoing`. homogeneous: whether φ(x; s·w) = s φ(x; w) for s > 0.
    Checked on x: the sum is linear in C, and a split keeps the output. Returns `Units`, to be given as
    `units=` to the functions of this room. Raises ValueError with what fails: parts of different number, a
    sum that is not linear, units that are mixed or share something, modules that are called twice or do not
    compute what their weights say, a width written into the forward.
    Source: the page on units.

    >>> import torch
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
    refuse_no_units(net, read(net, x), family, dict.fromkeys((0, len(family) - 1)))
    return family


def _parts(net: nn.Module, given: str | Part, dim: int) -> list[Part]:
    if isinstance(given, Part):
        return [given]
    module = net.get_submodule(given)
    if not isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
        raise ValueError(
            f"{given} is a {type(module).__name__}: name a Linear, a convolution, or give a Part"
        )
    if reason := unlike(given, module):
        raise ValueError(reason)
    if dim == 1:
        return [Part(f"{given}.weight", 1, (1,) * module.weight.shape[1])]
    return [Part(f"{given}.{name}", 0, (1,) * len(part)) for name, part in module.named_parameters()]
