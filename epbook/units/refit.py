"""Least squares behind a cut: the outgoing weights that come nearest to the sum of the full network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from epbook.units.parts import Units
from epbook.units.problem import Problem, hooked
from epbook.units.read import read
from epbook.units.split import family_values, rebuilt


def refitted(original: nn.Module, small: nn.Module, family: Units, x: Tensor) -> nn.Module:
    """The small network with the C of a family changed so that its sum is nearest to the original's on x.

    min_ΔC Σ_positions ‖s − s′ − ΔC φ‖², of least norm where it is not unique: what is right already stays.

    family: as the small network has it. Raises ValueError where what reads the units is neither a Linear
    nor a convolution. Source: He, Zhang & Sun 2017; textbook section 1.4 for neurons.
    """
    reader = small.get_submodule(family.sum_at)
    if not isinstance(reader, nn.Linear | nn.Conv1d | nn.Conv2d) or len(family.outgoing) != 1:
        raise ValueError(
            f'{family.sum_at} is no Linear and no convolution: mode "least-squares" cannot refit it'
        )
    with torch.no_grad():
        one, other = read(original, x), read(small, x)
        missing = one.sum(one.values, family.sum_at) - other.sum(other.values, family.sum_at)
        rows, targets = _rows(other, family, reader, missing)
    part = family.outgoing[0]
    values = family_values(small, family)
    taken = values[part.name].narrow(part.dim, part.start, part.stop - part.start)
    change = torch.linalg.lstsq(rows.cpu(), targets.cpu(), driver="gelsd").solution.T.to(taken.device)
    held = (taken.double() + change.reshape(taken.shape)).to(taken.dtype)
    before = values[part.name].narrow(part.dim, 0, part.start)
    after = values[part.name].narrow(part.dim, part.stop, values[part.name].shape[part.dim] - part.stop)
    values[part.name] = torch.cat([before, held, after], dim=part.dim)
    return rebuilt(small, family, values, [*range(len(family))])


def _rows(problem: Problem, family: Units, reader: nn.Module, missing: Tensor) -> tuple[Tensor, Tensor]:
    """What the reader sees of the family at every position, (positions, |C| / outputs), and the targets."""
    kept: list[Tensor] = []
    own = problem.net.get_submodule(family.sum_at)
    with hooked(own, lambda _module, given, _result: kept.append(given[0])):
        problem.output(problem.values)
    part, seen = family.outgoing[0], kept[0]
    if isinstance(reader, nn.Linear):
        columns = seen.flatten(0, -2).narrow(1, part.start, part.stop - part.start)
        return columns, missing.flatten(0, -2)
    patches = _patches(seen.narrow(1, part.start, part.stop - part.start), reader)
    return patches.transpose(1, 2).flatten(0, 1), missing.flatten(2).transpose(1, 2).flatten(0, 1)


def _patches(seen: Tensor, reader: nn.Module) -> Tensor:
    """The patches under the kernel of a convolution, (n, channels · taps, positions)."""
    assert isinstance(reader, nn.Conv1d | nn.Conv2d)
    if reader.padding_mode != "zeros" or isinstance(reader.padding, str):
        raise ValueError(f"{reader} is not refitted: only zero padding given in numbers is")

    def two(value: tuple[int, ...], flat: int) -> tuple[int, ...]:
        return value if isinstance(reader, nn.Conv2d) else (flat, *value)

    seen = seen if isinstance(reader, nn.Conv2d) else seen.unsqueeze(2)
    return nn.functional.unfold(
        seen,
        two(reader.kernel_size, 1),
        dilation=two(reader.dilation, 1),
        padding=two(reader.padding, 0),
        stride=two(reader.stride, 1),
    )
