"""Neurons and channels of modules that follow one another: each Linear or convolution that another reads."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from epbook.activations import activation_of, is_elementwise
from epbook.units.parts import Part, Units
from epbook.units.plain import unlike

# Modules that treat every channel by itself, whatever its number.
POOLS = (
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
    nn.ZeroPad2d,
)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def in_chain(chain: list[tuple[str, nn.Module]], refused: dict[str, str]) -> Iterator[Units]:
    """A family for every Linear or convolution that another one reads, with only unitwise modules between."""
    for index, (path, module) in enumerate(chain):
        if not isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            continue
        between: list[tuple[str, nn.Module]] = []
        for following, reader in chain[index + 1 :]:
            if not isinstance(reader, nn.Linear | nn.Conv1d | nn.Conv2d):
                between.append((following, reader))
                continue
            everything = [(path, module), *between, (following, reader)]
            reason = next(filter(None, (unlike(*each) for each in everything)), "")
            reason = reason or _reason(module, between, reader)
            if reason:
                refused[path] = reason
            else:
                yield _family(path, module, between, following, reader)
            break


def _reason(module: nn.Module, between: list[tuple[str, nn.Module]], reader: nn.Module) -> str:
    """Why these are no units, or nothing."""
    convolution = not isinstance(module, nn.Linear)
    for each in (module, reader):
        if getattr(each, "groups", 1) != 1:
            return "a convolution in groups shares its channels out: units must all enter the same sums"
    flat = any(isinstance(inner, nn.Flatten) for _, inner in between)
    for where, inner in between:
        if isinstance(inner, nn.LayerNorm | nn.GroupNorm | nn.RMSNorm | nn.Softmax | nn.LogSoftmax):
            return f"{type(inner).__name__} ({where}) mixes the units before the sum: a norm across units"
        if isinstance(inner, nn.modules.dropout._DropoutNd) and inner.training and inner.p > 0:
            return f"dropout ({where}) is at work, so two copies would differ: call net.eval()"
        known = isinstance(inner, (*_NORMS, *POOLS, nn.Flatten, nn.modules.dropout._DropoutNd))
        if not known and not is_elementwise(inner):
            return f"{type(inner).__name__} ({where}) is not known to treat each unit alone: use named(...)"
    if convolution and isinstance(reader, nn.Linear) and not flat:
        return "a Linear behind a convolution without a Flatten does not read its channels"
    if not convolution and not isinstance(reader, nn.Linear):
        return "a convolution that reads a Linear does not read its neurons one by one: use named(...)"
    return ""


def _family(
    path: str, module: nn.Module, between: list[tuple[str, nn.Module]], following: str, reader: nn.Module
) -> Units:
    weight = module.weight
    assert not isinstance(weight, nn.Module)
    count = len(weight)
    norms = [(where, inner) for where, inner in between if isinstance(inner, _NORMS)]
    incoming = [*rows(path, module, count)]
    for where, inner in norms:
        incoming += rows(where, inner, count)
    carried = [
        Part(f"{where}.{name}", 0, (1,) * count)
        for where, inner in norms
        for name, buffer in inner.named_buffers()
        if buffer.ndim == 1
    ]
    inputs = reader.weight.shape[1]  # type: ignore[index]
    plain = [inner for _, inner in between if is_elementwise(inner)]
    facts = [activation_of(inner) for inner in plain]
    largest = (nn.MaxPool1d, nn.MaxPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d)
    return Units(
        name=path,
        kind="neurons" if isinstance(module, nn.Linear) else "channels",
        incoming=tuple(incoming),
        outgoing=(Part(dotted(following, "weight"), 1, (int(inputs) // count,) * count),),
        sum_at=following,
        homogeneous=not norms and all(each.degree == 1 for each in facts),
        odd=not norms
        and all(each.odd for each in facts)
        and not any(isinstance(inner, largest) for _, inner in between),
        carried=tuple(carried),
    )


def rows(path: str, module: nn.Module, count: int) -> Iterator[Part]:
    """The rows of a module's own parameters, one for each unit."""
    for name, _ in module.named_parameters(recurse=False):
        yield Part(dotted(path, name), 0, (1,) * count)


def dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
