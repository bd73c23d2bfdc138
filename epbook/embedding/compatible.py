"""The general compatible embedding: copies, null neurons and free coefficients in every layer at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from epbook.checks import finite, whole
from epbook.embedding.conditions import (
    Map,
    alphas_from,
    betas_from,
    check_maps,
    effective,
    matrix,
    membership,
    null_constants,
)
from epbook.embedding.step import Step
from epbook.networks import Layer
from epbook.results import Result


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Compatible(Result, Step):
    """Wide neuron i of hidden layer l copies narrow neuron maps[l][i], or none (−1: null).

    W'_ij = α_ij W_{I(i), I(j)}, with W read as 1 where i or j is null, under the conditions
    forward  Σ_{j copies s} α_ij = 1 for an effective i, 0 for a null i, for every s;
    backward Σ_{i copies k} β_i α_ij = β_j for an effective j, 0 for a null j, for every k; β = 1 at the
    outputs. A null neuron's output is constant; the biases it feeds are lowered by that much.

    maps: per hidden layer. alphas: per layer (wide out, wide in), tensors, arrays or lists; kept in float64.
    null_biases: per hidden layer one number for each null neuron, default 0. `rewrite` raises ValueError
    that names the neuron and the sum where a condition is missed, and where a constant output cannot be
    balanced. Source: JML22 definition 5.2, theorem 5.1; the value 1 at null pairs is ours.

    >>> step = Compatible([[0, 0]], [[[1], [1]], [[0.4, 0.6]]])
    >>> print(step)
    compatible embedding into width 2: layer 0 copies 0, 0
    >>> eval(repr(step)) == step
    True
    """

    maps: tuple[tuple[int, ...], ...]
    alphas: tuple[Tensor, ...]
    null_biases: tuple[tuple[float, ...], ...]

    def __init__(
        self,
        maps: Sequence[Map],
        alphas: Sequence[Tensor | ArrayLike],
        null_biases: Sequence[Sequence[float]] | None = None,
    ) -> None:
        rows = tuple(tuple(whole(source, "each entry of maps", -1) for source in row) for row in maps)
        tables = tuple(matrix(alpha, f"alphas[{layer}]") for layer, alpha in enumerate(alphas))
        if null_biases is None:
            null_biases = [[0.0] * sum(source < 0 for source in row) for row in rows]
        biases = tuple(tuple(finite(bias, "each null bias") for bias in row) for row in null_biases)
        for name, value in (("maps", rows), ("alphas", tables), ("null_biases", biases)):
            object.__setattr__(self, name, value)

    @property
    def cancellation(self) -> float:
        """Σ|terms| of the worst of the sums of α and β that must be 1 or 0."""
        rows = [range(self.alphas[0].shape[1]), *self.maps]
        return max(
            float((alpha.abs() @ membership(row, max(row) + 1)).max())
            for row, alpha in zip(rows, self.alphas, strict=True)
        )

    def coefficients(self, narrow: Sequence[Layer]) -> Tensor:
        """Offsets, all 0, (k,): K − (null) of β, K_l K_{l−1} (with redundancy) of α, free null biases."""
        betas, constants = self._conditions(narrow)
        return narrow[0].weight.new_zeros(sum(slot.numel() for slot in self._slots(narrow, betas, constants)))

    def rewrite(self, narrow: Sequence[Layer], coefficients: Tensor | None = None) -> list[Layer]:
        betas, constants = self._conditions(narrow)
        alphas = list(self.alphas)
        biases = [torch.tensor(row, dtype=torch.float64) for row in self.null_biases]
        if coefficients is not None and len(coefficients):
            alphas, biases = self._moved(narrow, betas, constants, alphas, biases, coefficients.cpu())
            constants = null_constants(self.maps, alphas, biases, narrow)
        return self._wide(narrow, alphas, biases, constants)

    def _conditions(self, narrow: Sequence[Layer]) -> tuple[list[Tensor], list[Tensor]]:
        """β of every layer and the constant outputs of the null neurons; ValueError where refused."""
        check_maps(self.maps, [layer.width for layer in narrow[:-1]])
        betas = betas_from(self.maps, self.alphas, narrow)
        return betas, null_constants(self.maps, self.alphas, self.null_biases, narrow)

    def _slots(self, narrow: Sequence[Layer], betas: list[Tensor], constants: list[Tensor]) -> list[Tensor]:
        """Masks of what may move: β per hidden layer, α per inner layer, null biases per hidden layer."""
        last = len(narrow) - 1
        on = [effective(row) for row in self.maps]
        slots = [torch.ones(int(mask.sum()), dtype=torch.bool) for mask in on]
        for layer in range(1, last):  # (wide out, wide in)
            later = all(above.bias is not None for above in narrow[layer + 1 :])
            feeds = (constants[layer - 1] == 0) | later  # else a moved constant would go unbalanced
            both_null = ~on[layer][:, None] & ~on[layer - 1][None, :]
            slots.append((~both_null | feeds[None, :]).flatten())
        for layer in range(last):
            later = all(above.bias is not None for above in narrow[layer:])
            slots.append(torch.full((int((~on[layer]).sum()),), later))
        return slots

    def _moved(
        self,
        narrow: Sequence[Layer],
        betas: list[Tensor],
        constants: list[Tensor],
        alphas: list[Tensor],
        biases: list[Tensor],
        offsets: Tensor,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The coefficients after a move inside the admissible set."""
        slots = self._slots(narrow, betas, constants)
        pieces = [
            piece * slot for piece, slot in zip(torch.split(offsets, [*map(len, slots)]), slots, strict=True)
        ]
        count = len(self.maps)
        new_betas, rests = [betas[0]], []
        for layer, row in enumerate(self.maps):
            step = betas[layer + 1].new_zeros(len(row)).masked_scatter(effective(row), pieces[layer])
            E = membership(row, narrow[layer].width)
            new_betas.append(betas[layer + 1] + step - E @ ((E.T @ step) / E.sum(dim=0)))  # sums stay 1
        new_betas.append(betas[-1])
        for layer in range(1, count):
            on = effective(self.maps[layer]).double()
            rest = alphas[layer] - on[:, None] * betas[layer][None, :]
            rests.append(rest + pieces[count + layer - 1].view_as(rest))
        biases = [bias + piece for bias, piece in zip(biases, pieces[2 * count - 1 :], strict=True)]
        return alphas_from(self.maps, new_betas, rests, narrow), biases

    def _wide(
        self, narrow: Sequence[Layer], alphas: list[Tensor], biases: list[Tensor], constants: list[Tensor]
    ) -> list[Layer]:
        wide = []
        inner = tuple(range(narrow[0].inputs))  # who copies whom in the layer below: the inputs
        constant = torch.zeros(len(inner), dtype=torch.float64)
        for layer, (weight, bias, activation) in enumerate(narrow):
            outer = self.maps[layer] if layer < len(self.maps) else tuple(range(weight.shape[0]))
            known = effective(outer)[:, None] & effective(inner)[None, :]
            read = torch.where(known.to(weight.device), weight[list(outer)][:, list(inner)], 1.0)
            if bias is not None:
                bias = bias[list(outer)] - (alphas[layer] @ constant).to(weight)
                if layer < len(self.maps):
                    null = ~effective(outer)
                    own = torch.zeros(len(outer), dtype=torch.float64).masked_scatter(null, biases[layer])
                    bias = torch.where(null.to(weight.device), own.to(weight), bias)
            wide.append(Layer(alphas[layer].to(weight) * read, bias, activation))
            if layer < len(self.maps):
                inner, constant = outer, constants[layer]
        return wide

    def __str__(self) -> str:
        rows = "; ".join(
            f"layer {layer} copies {', '.join('null' if i < 0 else str(i) for i in row)}"
            for layer, row in enumerate(self.maps)
        )
        widths = ", ".join(str(len(row)) for row in self.maps)
        return f"compatible embedding into width {widths}: {rows}"

    def __repr__(self) -> str:
        alphas = ", ".join(str(alpha.tolist()) for alpha in self.alphas)
        return f"Compatible(maps={self.maps}, alphas=({alphas},), null_biases={self.null_biases})"
