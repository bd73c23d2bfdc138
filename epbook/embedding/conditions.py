"""The linear conditions on the coefficients of a compatible embedding, and how to satisfy them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from epbook.embedding.plan import Parts

TOLERANCE = 1e-9  # how far a condition may be missed, relative to the largest coefficient in it
Map = Sequence[int]


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


def betas_from(maps: Sequence[Map], alphas: Sequence[Tensor], narrow: Parts) -> list[Tensor]:
    """β of the inputs (unused, 1), of every hidden layer, of the outputs (1), from the coefficients.

    Checks the forward condition on the way, and the backward one, which defines β from the outputs down.
    """
    rows = [tuple(range(narrow[0][0].shape[1])), *maps, tuple(range(narrow[-1][0].shape[0]))]
    sizes = [len(rows[0]), *(weight.shape[0] for weight, _, _ in narrow)]
    if len(alphas) != len(narrow):
        raise ValueError(f"alphas must hold one matrix per layer ({len(narrow)}), got {len(alphas)}")
    E = [membership(row, size) for row, size in zip(rows, sizes, strict=True)]
    betas = [torch.ones(len(rows[-1]), dtype=torch.float64)]
    for layer in reversed(range(len(narrow))):
        alpha = alphas[layer].detach().to(torch.float64)
        shape = (len(rows[layer + 1]), len(rows[layer]))
        if alpha.shape != shape or not bool(alpha.isfinite().all()):
            raise ValueError(f"alphas[{layer}] must be finite, of shape {shape}, got {tuple(alpha.shape)}")
        sums = alpha @ E[layer]  # (wide out, narrow in)
        wanted = effective(rows[layer + 1]).to(sums)[:, None].expand_as(sums)
        _agree(
            sums,
            wanted,
            alpha,
            f"layer {layer}: the coefficients of neuron {{}} over the copies of neuron {{}}",
        )
        if layer == 0:
            break
        back = E[layer + 1].T @ (betas[0][:, None] * alpha)  # (narrow out, wide in)
        ratio = back.mean(dim=0) * effective(rows[layer])
        _agree(
            back,
            ratio[None, :].expand_as(back),
            betas[0].abs().max() * alpha,
            f"layer {layer}: Σ βα over the copies of neuron {{}} into neuron {{}}",
        )
        betas.insert(0, ratio)
    dtype = narrow[0][0].dtype
    return [narrow[0][0].new_ones(sizes[0]), *(beta.to(dtype) for beta in betas)]


def alphas_from(
    maps: Sequence[Map], betas: Sequence[Tensor], rests: Sequence[Tensor], narrow: Parts
) -> list[Tensor]:
    """α = 1βᵀ + P R Q for every layer: the general solution of both conditions, for given β.

    P = I − E(Eᵀdiag(β)) at the layer's outputs, Q = I − E(EᵀE)⁻¹Eᵀ at its inputs; rests: R per inner layer.
    """
    last = len(narrow) - 1
    alphas = []
    for layer in range(last + 1):
        on = effective(maps[layer]).to(betas[0]) if layer < last else torch.ones_like(betas[-1])
        alpha = on[:, None] * betas[layer][None, :]
        if 0 < layer < last:
            out = membership(maps[layer], narrow[layer][0].shape[0]).to(alpha)
            given = membership(maps[layer - 1], narrow[layer - 1][0].shape[0]).to(alpha)
            rest = rests[layer - 1]
            rest = rest - out @ (out.T @ (betas[layer + 1][:, None] * rest))
            alpha = alpha + rest - ((rest @ given) / given.sum(dim=0)) @ given.T
        alphas.append(alpha)
    return alphas


def null_constants(
    maps: Sequence[Map], alphas: Sequence[Tensor], biases: Sequence[Sequence[float]], narrow: Parts
) -> list[Tensor]:
    """The constant outputs of the null neurons per hidden layer (0 elsewhere); ValueError if unbalanced."""
    if [len(row) for row in biases] != [sum(source < 0 for source in row) for row in maps]:
        raise ValueError(f"null_biases must hold one number per null neuron of {tuple(maps)}, got {biases}")
    constants: list[Tensor] = []
    below = narrow[0][0].new_zeros(narrow[0][0].shape[1])
    for layer, row in enumerate(maps):
        _, bias, activation = narrow[layer]
        null = ~effective(row)
        given = below.new_tensor(biases[layer])
        if bias is None and bool((given != 0).any()):
            raise ValueError(
                f"layer {layer} has no bias, so its null neurons cannot have biases {biases[layer]}"
            )
        pushed = (alphas[layer].to(below) @ below)[null] + given
        value = pushed if activation is None else activation(pushed)
        below = below.new_zeros(len(row)).masked_scatter(null, value)
        if narrow[layer + 1][1] is None and bool((below != 0).any()):
            neuron = int(below.abs().argmax())
            raise ValueError(
                f"null neuron {neuron} of layer {layer} is not critical: its output is the constant "
                f"{below[neuron].item():.6g}, and layer {layer + 1} has no bias that balances it"
            )
        constants.append(below)
    return constants


def _agree(found: Tensor, wanted: Tensor, terms: Tensor, what: str) -> None:
    """ValueError naming the worst entry where two matrices of sums differ."""
    off = (found - wanted).abs()
    if bool((off > TOLERANCE * terms.abs().max().clamp(min=1)).any()):
        row, column = divmod(int(off.argmax()), off.shape[1])
        raise ValueError(
            f"{what.format(row, column)} sum to {found[row, column].item():.6g}, "
            f"must be {wanted[row, column].item():.6g}"
        )
