"""Random compatible embeddings: index maps, error ratios, and every free coefficient."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from epbook.embedding.compatible import Compatible
from epbook.embedding.conditions import Map, alphas_from, check_maps, membership
from epbook.networks import Layer


def draw_maps(
    widths: Sequence[int], wanted: Sequence[int], nulls: bool, random: torch.Generator
) -> list[Map]:
    """Who copies whom at random, in random order, every narrow neuron at least once; −1: null.

    Source: JML22 section 5.

    >>> sorted(draw_maps([2], [2], False, torch.Generator())[0])
    [0, 1]
    """
    maps: list[Map] = []
    for have, want in zip(widths, wanted, strict=True):
        new = torch.randint(-1 if nulls else 0, have, (want - have,), generator=random)
        row = torch.cat([torch.arange(have), new])
        maps.append(row[torch.randperm(want, generator=random)].tolist())
    return maps


def draw_compatible(
    narrow: Sequence[Layer], maps: Sequence[Map], spread: float, random: torch.Generator
) -> Compatible:
    """α = 1βᵀ + P R Q with β, R and the null biases from N(0, spread²), as far as the conditions let them.

    A null neuron whose constant could not be balanced has the bias 0. Source: JML22 section 5.

    >>> from epbook.networks import two_layer
    >>> from epbook.given import layers
    >>> draw_compatible(layers(two_layer(1, 1)), [[0]], 1.0, torch.Generator()).alphas[1]
    tensor([[1.]], dtype=torch.float64)
    """
    widths = [layer.width for layer in narrow[:-1]]
    check_maps(maps, widths)

    def normal(*shape: int) -> Tensor:
        return spread * torch.randn(*shape, generator=random, dtype=torch.float64)

    betas = [torch.ones(narrow[0].inputs, dtype=torch.float64)]
    for row, have in zip(maps, widths, strict=True):
        E = membership(row, have)
        free = normal(len(row)) * E.sum(dim=1)  # nothing reaches a null neuron backwards
        betas.append(free + E @ ((1 - E.T @ free) / E.sum(dim=0)))
    betas.append(torch.ones(narrow[-1].width, dtype=torch.float64))
    rests = [normal(len(outer), len(inner)) for inner, outer in itertools.pairwise(maps)]
    alphas = alphas_from(maps, betas, rests, narrow)
    biases = []
    for layer, row in enumerate(maps):
        balanced = all(above.bias is not None for above in narrow[layer:])
        count = sum(source < 0 for source in row)
        biases.append(normal(count).tolist() if balanced else [0.0] * count)
    return Compatible(maps, alphas, biases)
