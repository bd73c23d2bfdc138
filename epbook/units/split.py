"""Splitting units in a network of any kind: the same modules, wider."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from epbook.embedding.split import Split, shares
from epbook.units.attention import Attention, Scores, with_plain_attention
from epbook.units.parts import Units
from epbook.units.which import choose, one_of


def split(
    net: nn.Module,
    *,
    units: str | Units | None = None,
    unit: int = 0,
    alpha: float | None = None,
    fractions: Sequence[float] | None = None,
) -> nn.Module:
    """Split one unit of any kind; output and every critical point are kept, for every real α.

    (w, C) ↦ (w, f_1 C), …, (w, f_k C) with Σ f_i = 1; ∇_w ↦ f_i ∇_w, ∇_C ↦ ∇_C.

    units: the family, by its name in `ep.units.find(net)` or as `named` gives it. alpha: share of the new
    unit, default 1/2; or fractions (f_1, …, f_k). The new units stand behind the last of their family.
    Returns a new network that shares nothing with `net`. An nn.MultiheadAttention whose heads or channels
    are split comes back as `Attention`, since PyTorch's cannot hold the result. Raises ValueError for a
    family or unit that is not there, and for shares as `ep.split` does.
    Source: the page on units.

    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))
    >>> split(net, unit=3, alpha=0.3)[0].out_channels
    5
    >>> split(nn.MultiheadAttention(4, 2), units="heads", unit=1).num_heads
    3
    """
    family = choose(net, units)
    unit = one_of(family, unit)
    step = Split(0, unit, shares(alpha, fractions))
    values = family_values(net, family)
    held = next(iter(values.values())).dtype
    if step.cancellation > torch.finfo(held).eps ** -0.5:
        raise ValueError(f"shares of {step.cancellation:.3g} in all cancel: {held} would lose the output")
    fractions = step.fractions
    new = family.split(values, unit, torch.tensor(fractions, dtype=torch.float64).to(held))
    order = [*range(len(family)), *[unit] * (len(fractions) - 1)]
    return rebuilt(net, family, new, order)


def rebuilt(net: nn.Module, family: Units, values: Mapping[str, Tensor], order: list[int]) -> nn.Module:
    """A copy of the network with these values, whose units are those of `family` in this order.

    Source: `epbook.units`.
    """
    made = copy.deepcopy(net)
    if _replaced(net, family) is not None:
        made = with_plain_attention(made, family.attention)
    for name, value in values.items():
        path, _, own = name.rpartition(".")
        owner = made.get_submodule(path)
        old = getattr(owner, own)
        if isinstance(old, nn.Parameter):
            setattr(owner, own, nn.Parameter(value.detach().clone(), requires_grad=old.requires_grad))
        else:
            owner.register_buffer(own, value.detach().clone())
        _resize(owner)
    if family.attention is not None:
        attention = made.get_submodule(family.attention)
        assert isinstance(attention, Attention)
        _note(attention, family, order)
    return made


def family_values(net: nn.Module, family: Units) -> dict[str, Tensor]:
    """The parameters and buffers of the family, in the network's own numbers."""
    own = net
    if _replaced(net, family) is not None:
        own = with_plain_attention(copy.deepcopy(net), family.attention)
    held = {**dict(own.named_parameters()), **dict(own.named_buffers())}
    return {part.name: held[part.name].detach() for part in family.parts}


def _replaced(net: nn.Module, family: Units) -> str | None:
    """The path of the nn.MultiheadAttention that must become an `Attention`, if there is one."""
    if family.attention is None or not isinstance(net.get_submodule(family.attention), nn.MultiheadAttention):
        return None
    return family.attention


def _resize(module: nn.Module) -> None:
    """Let the numbers that a module tells about itself follow its weights."""
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, nn.Conv1d | nn.Conv2d):
        module.out_channels, module.in_channels = module.weight.shape[:2]
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
        module.num_features = len(module.running_mean)


def _note(attention: Attention, family: Units, order: list[int]) -> None:
    """Let the sizes of the heads follow a change of heads, or of the channels of one."""
    if family.head is None:
        attention.key_sizes = [attention.key_sizes[head] for head in order]
        attention.value_sizes = [attention.value_sizes[head] for head in order]
        kept = [attention.scores[head] for head in order]
        attention.scores = nn.ModuleList(Scores(each.scale) for each in kept)  # type: ignore[arg-type]
    elif family.kind == "value channels":
        attention.value_sizes[family.head] = len(order)
    else:
        attention.key_sizes[family.head] = len(order)
