"""Plans of embeddings: what `ep.split`, `ep.embed` and the others do to a network, as a Plan to look at.

`ep.plan.split(net, …)` takes what `ep.split(net, …)` takes and returns the Plan that makes the wide network:
plan(net). It can be printed, composed with +, replayed on another network, and asked for its free directions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from epbook.checks import finite, whole
from epbook.embedding.compatible import Compatible
from epbook.embedding.draw import draw_compatible, draw_maps
from epbook.embedding.null import Null
from epbook.embedding.split import Split, shares
from epbook.embedding.step import Plan, Step
from epbook.embedding.symmetry import Permute, Scale
from epbook.given import layers

__all__ = [
    "Compatible",
    "Null",
    "Permute",
    "Plan",
    "Scale",
    "Split",
    "Step",
    "add_null",
    "compatible",
    "embed",
    "permute",
    "random_compatible",
    "scale",
    "split",
    "three_fold",
]


def _fitting(net: nn.Sequential, *steps: Step) -> Plan:
    """The plan of these steps, after the network has shown that they fit it."""
    plan = Plan(steps)
    plan(net)
    return plan


def split(
    net: nn.Sequential,
    *,
    layer: int = 0,
    neuron: int = 0,
    alpha: float | None = None,
    fractions: Sequence[float] | None = None,
) -> Plan:
    """The plan of `epbook.split`: one neuron becomes several that share its outgoing weights.

    Takes and raises what that does. Source: textbook section 1.3, figure 1.4; EP21.

    >>> from epbook.networks import two_layer
    >>> print(split(two_layer(1, 2), neuron=1, alpha=0.25))
    1. split neuron 1 of layer 0 into 2, outgoing weights shared as 0.75, 0.25
    """
    return _fitting(net, Split(layer, neuron, shares(alpha, fractions)))


def add_null(net: nn.Sequential, *, layer: int = 0, bias: float = 0.0) -> Plan:
    """The plan of `epbook.add_null`: a neuron with zero incoming and outgoing weights.

    Takes and raises what that does. Source: JML22 (arXiv 2111.15527).

    >>> from epbook.networks import two_layer
    >>> add_null(two_layer(1, 2))
    Plan((Null(layer=0, bias=0.0), ))
    """
    return _fitting(net, Null(layer, bias))


def embed(
    net: nn.Sequential,
    widths: int | Sequence[int],
    *,
    neurons: Sequence[Sequence[int]] | None = None,
    fractions: Sequence[Sequence[float]] | None = None,
    seed: int | None = None,
) -> Plan:
    """The plan of `epbook.embed`: splits of as many neurons as the wider network asks for.

    Takes and raises what that does. Source: textbook section 1.3; EP21 theorem 2.

    >>> from epbook.networks import two_layer
    >>> print(embed(two_layer(1, 2), 5))
    1. split neuron 0 of layer 0 into 3, outgoing weights shared as 0.333333, 0.333333, 0.333333
    2. split neuron 1 of layer 0 into 2, outgoing weights shared as 0.5, 0.5
    """
    now = [layer.width for layer in layers(net)[:-1]]
    missing = [want - have for have, want in zip(now, _widths(widths, now), strict=True)]
    for name, given in (("neurons", neurons), ("fractions", fractions)):
        if given is not None and [np.size(layer) for layer in given] != missing:
            raise ValueError(f"{name} must hold {missing} entries per hidden layer, got {given}")
    draw = None if seed is None else np.random.default_rng(whole(seed, "seed"))
    steps: list[Step] = []
    for layer, (have, more) in enumerate(zip(now, missing, strict=True)):
        if neurons is not None:
            sources = [whole(source, f"neurons of layer {layer}") for source in neurons[layer]]
            if not all(source < have for source in sources):
                raise ValueError(f"neurons of layer {layer} must be 0 to {have - 1}, got {sources}")
        elif draw is None:
            sources = [new % have for new in range(more)]
        else:
            sources = draw.integers(have, size=more).tolist()
        for source in sorted(set(sources)):
            copies = [new for new, its in enumerate(sources) if its == source]
            if fractions is not None:
                shared = [finite(fractions[layer][new], f"fractions of layer {layer}") for new in copies]
            elif draw is None:
                shared = [1 / (len(copies) + 1)] * len(copies)
            else:
                shared = draw.normal(0.5, 1.0, size=len(copies)).tolist()
            steps.append(Split(layer, source, (1 - sum(shared), *shared)))
    return _fitting(net, *steps)


def three_fold(net: nn.Sequential) -> Plan:
    """The plan of `epbook.embedding.three_fold`: three copies of the network, read as f + f − f.

    Takes and raises what that does. Source: JML22 theorem 6.3.

    >>> from epbook.networks import two_layer
    >>> print(three_fold(two_layer(1, 2)))
    1. compatible embedding into width 6: layer 0 copies 0, 1, 0, 1, 0, 1
    """
    found = layers(net)
    if len(found) < 2:
        raise ValueError("three-fold splitting needs a hidden layer, the network has none")
    first, *inner, last = (torch.ones(layer.width, layer.inputs, dtype=torch.float64) for layer in found)
    side_by_side = [torch.kron(torch.eye(3, dtype=torch.float64), ones) for ones in inner]
    alphas = [first.repeat(3, 1), *side_by_side, torch.cat([last, last, -last], dim=1)]
    return _fitting(net, Compatible([[*range(layer.width)] * 3 for layer in found[:-1]], alphas))


def permute(net: nn.Sequential, order: Sequence[int], *, layer: int = 0) -> Plan:
    """The plan of `epbook.embedding.permute`: the neurons of one layer in another order.

    Takes and raises what that does. Source: JML22.

    >>> from epbook.networks import two_layer
    >>> permute(two_layer(1, 2), [1, 0])
    Plan((Permute(layer=0, order=(1, 0)), ))
    """
    return _fitting(net, Permute(layer, tuple(order)))


def scale(net: nn.Sequential, factor: float, *, layer: int = 0, neuron: int = 0) -> Plan:
    """The plan of `epbook.embedding.scale`: scale traded between the two sides of a neuron.

    Takes and raises what that does. Source: JML22.

    >>> from epbook.networks import two_layer
    >>> scale(two_layer(1, 2), 4)
    Plan((Scale(layer=0, neuron=0, factor=4.0), ))
    """
    return _fitting(net, Scale(layer, neuron, factor))


def compatible(
    net: nn.Sequential,
    maps: Sequence[Sequence[int]],
    alphas: Sequence[Tensor | ArrayLike],
    *,
    null_biases: Sequence[Sequence[float]] | None = None,
) -> Plan:
    """The plan of `epbook.embedding.compatible`: an embedding from index maps and coefficients.

    alphas: as in `epbook.embedding.compatible`. Takes and raises what that does. Source: JML22
    definition 5.2, theorem 5.1.

    >>> from epbook.networks import two_layer
    >>> compatible(two_layer(1, 1), [[0, 0]], [[[1], [1]], [[1.5, -0.5]]])
    Plan((Compatible(maps=((0, 0),), alphas=([[1.0], [1.0]], [[1.5, -0.5]],), null_biases=((),)), ))
    """
    return _fitting(net, Compatible(maps, alphas, null_biases))


def random_compatible(
    net: nn.Sequential,
    widths: int | Sequence[int] | None = None,
    *,
    maps: Sequence[Sequence[int]] | None = None,
    nulls: bool = False,
    spread: float = 1.0,
    seed: int = 0,
) -> Plan:
    """The plan of `epbook.embedding.random_compatible`: an admissible embedding drawn at random.

    Takes and raises what that does. Source: JML22 section 5.

    >>> from epbook.networks import two_layer
    >>> len(random_compatible(two_layer(1, 2), 4, seed=1).steps[0].maps[0])
    4
    """
    narrow = layers(net)
    random = torch.Generator().manual_seed(whole(seed, "seed"))
    if (maps is None) == (widths is None):
        raise ValueError(f"give either widths or maps, got widths={widths!r}, maps={maps!r}")
    if maps is None:
        now = [layer.width for layer in narrow[:-1]]
        maps = draw_maps(now, _widths(widths, now), nulls, random)
    maps = [[whole(source, "each entry of maps", -1) for source in row] for row in maps]
    return _fitting(net, draw_compatible(narrow, maps, finite(spread, "spread"), random))


def _widths(widths: object, now: list[int]) -> list[int]:
    """One width per hidden layer, none below the present one."""
    given: list[object] = [widths]
    if isinstance(widths, Iterable):
        with contextlib.suppress(TypeError):  # a table of no dimensions
            given = list(widths)
    if len(given) != len(now):
        raise ValueError(f"widths must name {len(now)} hidden layers (now {now}), got {widths}")
    wanted = [whole(width, "each of the widths", 1) for width in given]
    for layer, (have, want) in enumerate(zip(now, wanted, strict=True)):
        if want < have:
            raise ValueError(f"layer {layer} has {have} neurons and cannot be embedded into width {want!r}")
    return wanted
