"""The linear conditions on the coefficients of a compatible embedding, and how to satisfy them.

The coefficients belong to the embedding and not to a network: they are on the CPU, whatever it acts on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from epbook.networks import Layer

Map = Sequence[int]
# How far a sum may miss its 1 or 0: typed with nine digits, and rounded where large terms cancel.
TYPED, ROUNDED = 1e-9, 1e-14


def matrix(values: ArrayLike | Tensor, name: str) -> Tensor:
    """Coefficients as a float64 table of their own. Raises ValueError that names what was given.

    Source: the conventions of the book.

    >>> matrix([[1, 2]], "alphas[0]")
    tensor([[1., 2.]], dtype=torch.float64)
    """
    try:
        given = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values, np.float64))
        if given.is_complex():
            raise TypeError("complex numbers")
        found = given.detach().to("cpu", torch.float64, copy=True)
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{name} must be a table of real numbers, got {values!r:.80}") from error
    if found.ndim != 2 or found.numel() == 0 or not bool(found.isfinite().all()):
        raise ValueError(f"{name} must be finite, of shape (wide out, wide in), got {values!r:.80}")
    return found


def effective(row: Map) -> Tensor:
    """Mask of the neurons that copy one: (width,), bool."""
    return torch.tensor([source >= 0 for source in row], dtype=torch.bool)


def membership(row: Map, narrow: int) -> Tensor:
    """E with E_is = 1 where wide neuron i copies narrow neuron s; (wide, narrow), float64."""
    E = torch.zeros(len(row), narrow, dtype=torch.float64)
    for wide, source in enumerate(row):
        if source >= 0:
            E[wide, source] = 1
    return E


def check_maps(maps: Sequence[Map], widths: list[int]) -> None:
    """ValueError unless every narrow neuron has a copy and nothing else is named."""
    if len(maps) != len(widths):
        raise ValueError(f"maps must name {len(widths)} hidden layers, got {len(maps)}")
    for layer, (row, narrow) in enumerate(zip(maps, widths, strict=True)):
        if any(not -1 <= source < narrow for source in row):
            raise ValueError(f"the map of layer {layer} must hold 0 to {narrow - 1} or −1, got {tuple(row)}")
        lost = sorted(set(range(narrow)) - set(row))
        if lost:
            raise ValueError(f"neurons {lost} of layer {layer} have no copy, so the output is not preserved")


def betas_from(maps: Sequence[Map], alphas: Sequence[Tensor], narrow: Sequence[Layer]) -> list[Tensor]:
    """β of the inputs (unused, 1), of every hidden layer, of the outputs (1), from the coefficients.

    Checks the forward condition on the way, and the backward one, which defines β from the outputs down.
    """
    rows = [tuple(range(narrow[0].inputs)), *maps, tuple(range(narrow[-1].width))]
    sizes = [len(rows[0]), *(layer.width for layer in narrow)]
    if len(alphas) != len(narrow):
        raise ValueError(f"alphas must hold one matrix per layer ({len(narrow)}), got {len(alphas)}")
    E = [membership(row, size) for row, size in zip(rows, sizes, strict=True)]
    betas = [torch.ones(len(rows[-1]), dtype=torch.float64)]
    for layer in reversed(range(len(narrow))):
        alpha = alphas[layer].detach()
        shape = (len(rows[layer + 1]), len(rows[layer]))
        if alpha.shape != shape:
            raise ValueError(f"alphas[{layer}] must be of shape {shape}, got {tuple(alpha.shape)}")
        sums = alpha @ E[layer]  # (wide out, narrow in)
        _agree(
            sums,
            effective(rows[layer + 1]).double()[:, None].expand_as(sums),
            alpha.abs() @ E[layer],
            f"layer {layer}: the coefficients of neuron {{}} over the copies of neuron {{}}",
        )
        if layer == 0:
            break
        terms = betas[0][:, None] * alpha
        back = E[layer + 1].T @ terms  # (narrow out, wide in)
        ratio = back.mean(dim=0) * effective(rows[layer])
        _agree(
            back,
            ratio[None, :].expand_as(back),
            E[layer + 1].T @ terms.abs(),
            f"layer {layer}: Σ βα over the copies of neuron {{}} into neuron {{}}",
        )
        betas.insert(0, ratio)
    return [torch.ones(sizes[0], dtype=torch.float64), *betas]


def alphas_from(
    maps: Sequence[Map], betas: Sequence[Tensor], rests: Sequence[Tensor], narrow: Sequence[Layer]
) -> list[Tensor]:
    """α = 1βᵀ + P R Q for every layer: the general solution of both conditions, for given β.

    P = I − E(Eᵀdiag(β)) at the layer's outputs, Q = I − E(EᵀE)⁻¹Eᵀ at its inputs; rests: R per inner layer.
    """
    last = len(narrow) - 1
    alphas = []
    for layer in range(last + 1):
        on = effective(maps[layer]).double() if layer < last else torch.ones_like(betas[-1])
        alpha = on[:, None] * betas[layer][None, :]
        if 0 < layer < last:
            out = membership(maps[layer], narrow[layer].width)
            given = membership(maps[layer - 1], narrow[layer - 1].width)
            rest = rests[layer - 1]
            size = rest.abs() + out @ (out.T @ (betas[layer + 1].abs()[:, None] * rest.abs()))
            size = size + ((size @ given) / given.sum(dim=0)) @ given.T
            rest = rest - out @ (out.T @ (betas[layer + 1][:, None] * rest))
            rest = rest - ((rest @ given) / given.sum(dim=0)) @ given.T
            # Where the projections leave nothing, as at a single copy, they leave rounding.
            alpha = alpha + rest.where(rest.abs() >= ROUNDED * size, 0.0)
        alphas.append(alpha)
    return alphas


def null_constants(
    maps: Sequence[Map],
    alphas: Sequence[Tensor],
    biases: Sequence[Sequence[float] | Tensor],
    narrow: Sequence[Layer],
) -> list[Tensor]:
    """The constant outputs of the null neurons per hidden layer (0 elsewhere); ValueError if unbalanced."""
    if [len(row) for row in biases] != [sum(source < 0 for source in row) for row in maps]:
        raise ValueError(f"null_biases must hold one number per null neuron of {tuple(maps)}, got {biases}")
    constants: list[Tensor] = []
    below = torch.zeros(narrow[0].inputs, dtype=torch.float64)
    for layer, row in enumerate(maps):
        _, bias, activation = narrow[layer]
        null = ~effective(row)
        given = torch.as_tensor(biases[layer], dtype=torch.float64)
        if bias is None and bool((given != 0).any()):
            raise ValueError(
                f"layer {layer} has no bias, so its null neurons cannot have biases {biases[layer]}"
            )
        pushed = (alphas[layer] @ below)[null] + given
        value = pushed if activation is None else activation(pushed)
        below = torch.zeros(len(row), dtype=torch.float64).masked_scatter(null, value)
        if narrow[layer + 1].bias is None and bool((below != 0).any()):
            neuron = int(below.abs().argmax())
            raise ValueError(
                f"null neuron {neuron} of layer {layer} is not critical: its output is the constant "
                f"{below[neuron].item():.6g}, and layer {layer + 1} has no bias that balances it"
            )
        constants.append(below)
    return constants


def _agree(found: Tensor, wanted: Tensor, terms: Tensor, what: str) -> None:
    """ValueError naming the worst entry where sums differ from what they must be; terms: Σ|terms| of each."""
    off = (found - wanted).abs() - TYPED * terms.clamp(max=1) - ROUNDED * terms.max()
    if bool((off > 0).any()):
        row, column = divmod(int(off.argmax()), off.shape[1])
        raise ValueError(
            f"{what.format(row, column)} sum to {found[row, column].item():.12g}, "
            f"must be {wanted[row, column].item():.12g}"
        )
