"""Which families of units a network has: its plain PyTorch modules are read, what does not fit is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from epbook.results import Result
from epbook.units.attention import Attention, plain_attention
from epbook.units.chain import dotted, in_chain, rows
from epbook.units.parts import Part, Units
from epbook.units.plain import unlike


@dataclass(frozen=True, eq=False)
class Found(Result):
    """The families of a network by name, and what was not read as one, with the reason.

    Source: `epbook.units`.
    """

    families: dict[str, Units]
    refused: dict[str, str]

    def __getitem__(self, name: str) -> Units:
        if name in self.families:
            return self.families[name]
        if name in self.refused:
            raise ValueError(f"{name} cannot be split: {self.refused[name]}")
        raise ValueError(f"no units are called {name!r} here; there are {self._names()}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.families)

    def __len__(self) -> int:
        return len(self.families)

    def __str__(self) -> str:
        lines = [str(units) for units in self.families.values()]
        lines += [f"{name}: refused, {reason}" for name, reason in self.refused.items()]
        return "\n".join(lines) or "no units found"

    def _names(self) -> str:
        return ", ".join(map(repr, self.families)) or "none that can be read: name them with ep.units.named"


def find(net: nn.Module) -> Found:
    """The families of units of a network that its modules tell by themselves.

    A unit is anything that enters what follows as Σ_j C_j φ(x; w_j), linear in C_j.

    Read are, wherever they stand in the network: nn.Sequential with Linear, Conv1d, Conv2d, elementwise
    activations, pooling, batch normalisation, Flatten (neurons, channels); nn.MultiheadAttention and
    `Attention` (heads, the value channels and the query-key channels of each head);
    nn.TransformerEncoderLayer and DecoderLayer (their attention, and the neurons between the two Linear).
    Of anything else, `named` tells the units. Refused, with the reason: norms across units, weights that are
    used twice, hooks, pruning, parametrizations, subclasses with a forward of their own.
    Families are called after the module that holds w.
    Returns `Found`: a mapping by name, with the reasons of what was refused. Raises TypeError for no module.
    Source: the page on units.

    >>> net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    >>> print(find(net))
    0: 8 channels, summed in 3
    >>> print(find(nn.MultiheadAttention(4, 2)))
    heads: 2 heads, summed in out
    head0.values: 2 value channels, summed in out
    head0.keys: 2 query-key channels, summed in scores.0
    head1.values: 2 value channels, summed in out
    head1.keys: 2 query-key channels, summed in scores.1
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"expected a network, an nn.Module, got {type(net).__name__}")
    families: list[Units] = []
    refused: dict[str, str] = {}
    nested: set[str] = set()
    for path, module in net.named_modules():
        if type(module).forward is nn.Sequential.forward and path not in nested:
            chain = list(_unrolled(module, path, nested))
            families += in_chain(chain, refused)
        elif isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
            first, second = dotted(path, "linear1"), dotted(path, "linear2")
            reason = unlike(path, module) or unlike(first, module.linear1) or unlike(second, module.linear2)
            if reason:
                refused[first] = reason
            else:
                families += _between(first, second, module)
        elif isinstance(module, Attention):
            families += _in_attention(path, module)
        elif isinstance(module, nn.MultiheadAttention):
            try:
                families += _in_attention(path, plain_attention(module))
            except TypeError as error:
                refused[dotted(path, "heads")] = str(error)
    tied = _tied(net)
    for units in families:
        names = [part.name for part in units.parts if part.name in tied]
        if names:
            refused[units.name] = f"{names[0]} is used twice in the network: copy.deepcopy each use"
    return Found({u.name: u for u in families if u.name not in refused}, refused)


def _unrolled(net: nn.Module, path: str, nested: set[str]) -> Iterator[tuple[str, nn.Module]]:
    for name, module in net._modules.items():
        where = dotted(path, name)
        if module is not None and type(module).forward is nn.Sequential.forward:
            nested.add(where)
            yield from _unrolled(module, where, nested)
        elif module is not None:
            yield where, module


def _between(
    first: str, second: str, layer: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer
) -> Iterator[Units]:
    yield Units(
        name=first,
        kind="neurons",
        incoming=tuple(rows(first, layer.linear1, layer.linear1.out_features)),
        outgoing=(Part(dotted(second, "weight"), 1, (1,) * layer.linear1.out_features),),
        sum_at=second,
        homogeneous=layer.activation in (nn.functional.relu,) or isinstance(layer.activation, nn.ReLU),
    )


def _in_attention(path: str, given: Attention) -> Iterator[Units]:
    def parts(name: str, sizes: list[int], start: int = 0) -> Iterator[Part]:
        for kind in ("weight", "bias"):
            if getattr(getattr(given, name), kind) is not None:
                yield Part(dotted(path, f"{name}.{kind}"), 0, tuple(sizes), start)

    keys, values, out = given.key_sizes, given.value_sizes, dotted(path, "out")
    yield Units(
        name=dotted(path, "heads"),
        kind="heads",
        incoming=(*parts("query", keys), *parts("key", keys), *parts("value", values)),
        outgoing=(Part(dotted(out, "weight"), 1, tuple(values)),),
        sum_at=out,
        attention=path,
    )
    for head in range(given.num_heads):
        ones, start = [1] * values[head], sum(values[:head])
        yield Units(
            name=dotted(path, f"head{head}.values"),
            kind="value channels",
            incoming=tuple(parts("value", ones, start)),
            outgoing=(Part(dotted(out, "weight"), 1, tuple(ones), start),),
            sum_at=out,
            homogeneous=True,
            odd=True,
            attention=path,
            head=head,
        )
        ones, start = [1] * keys[head], sum(keys[:head])
        yield Units(
            name=dotted(path, f"head{head}.keys"),
            kind="query-key channels",
            incoming=tuple(parts("query", ones, start)),
            outgoing=tuple(parts("key", ones, start)),
            sum_at=dotted(path, f"scores.{head}"),
            homogeneous=True,
            odd=True,
            attention=path,
            head=head,
        )


def _tied(net: nn.Module) -> set[str]:
    names: dict[int, list[str]] = {}
    for name, part in net.named_parameters(remove_duplicate=False):
        names.setdefault(id(part), []).append(name)
    return {name for group in names.values() if len(group) > 1 for name in group}
