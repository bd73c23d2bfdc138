"""The general compatible embedding: copies, null neurons and free coefficients in every layer at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.embedding.conditions import (
    alphas_from,
    betas_from,
    check_maps,
    effective,
    membership,
    null_constants,
)
from epbook.embedding.plan import Embedded, Parts, Plan, Step, carried_out
from epbook.given import layers


@dataclass(frozen=True, eq=False)
class Compatible(Step):
    """Wide neuron i of hidden layer l copies narrow neuron maps[l][i], or none (−1: null).

    W'_ij = α_ij W_{I(i), I(j)}, with W read as 1 where i or j is null, under the conditions
    forward  Σ_{j copies s} α_ij = 1 for an effective i, 0 for a null i, for every s;
    backward Σ_{i copies k} β_i α_ij = β_j for an effective j, 0 for a null j, for every k; β = 1 at the
    outputs. A null neuron's output is constant; the biases it feeds are lowered by that much.

    maps: per hidden layer. alphas: per layer (wide out, wide in). null_biases: per hidden layer one number
    for each null neuron. `rewrite` raises ValueError that names the neuron and the sum where a condition
    is missed, and where a constant output cannot be balanced.
    Source: JML22 definition 5.2, theorem 5.1; the value 1 at null pairs is ours.

    >>> step = Compatible(((0, 0),), (torch.ones(2, 1), torch.tensor([[0.4, 0.6]])), ((),))
    >>> print(step)
    compatible embedding into width 2: layer 0 copies 0, 0
    """

    maps: tuple[tuple[int, ...], ...]
    alphas: tuple[Tensor, ...]
    null_biases: tuple[tuple[float, ...], ...]

    def coefficients(self, narrow: Parts) -> Tensor:
        """Offsets, all 0: K − (null) for β, K_l K_{l−1} (with redundancy) for α, the free null biases."""
        betas, constants = self._conditions(narrow)
        return narrow[0][0].new_zeros(sum(slot.numel() for slot in self._slots(narrow, betas, constants)))

    def rewrite(self, narrow: Parts, coefficients: Tensor | None = None) -> Parts:
        betas, constants = self._conditions(narrow)
        alphas = [alpha.to(narrow[0][0].dtype) for alpha in self.alphas]
        biases = [narrow[0][0].new_tensor(row) for row in self.null_biases]
        if coefficients is not None and len(coefficients):
            alphas, biases = self._moved(narrow, betas, constants, alphas, biases, coefficients)
        return self._wide(narrow, alphas, biases)

    def _conditions(self, narrow: Parts) -> tuple[list[Tensor], list[Tensor]]:
        """β of every layer and the constant outputs of the null neurons; ValueError where refused."""
        check_maps(self.maps, [weight.shape[0] for weight, _, _ in narrow[:-1]])
        betas = betas_from(self.maps, self.alphas, narrow)
        return betas, null_constants(self.maps, self.alphas, self.null_biases, narrow)

    def _slots(self, narrow: Parts, betas: list[Tensor], constants: list[Tensor]) -> list[Tensor]:
        """Masks of what may move: β per hidden layer, α per inner layer, null biases per hidden layer."""
        last = len(narrow) - 1
        on = [effective(row) for row in self.maps]
        slots = [torch.ones(int(mask.sum()), dtype=torch.bool) for mask in on]
        for layer in range(1, last):  # (wide out, wide in)
            later = all(bias is not None for _, bias, _ in narrow[layer + 1 :])
            feeds = (constants[layer - 1] == 0) | later  # else a moved constant would go unbalanced
            both_null = ~on[layer][:, None] & ~on[layer - 1][None, :]
            slots.append((~both_null | feeds[None, :]).flatten())
        for layer in range(last):
            later = all(bias is not None for _, bias, _ in narrow[layer:])
            slots.append(torch.full((int((~on[layer]).sum()),), later))
        return slots

    def _moved(
        self,
        narrow: Parts,
        betas: list[Tensor],
        constants: list[Tensor],
        alphas: list[Tensor],
        biases: list[Tensor],
        offsets: Tensor,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The coefficients after a move inside the admissible set."""
        slots = self._slots(narrow, betas, constants)
        pieces = [
            piece * slot for piece, slot in zip(offsets.split([len(s) for s in slots]), slots, strict=True)
        ]
        count = len(self.maps)
        new_betas, rests = [betas[0]], []
        for layer, row in enumerate(self.maps):
            step = betas[layer + 1].new_zeros(len(row)).masked_scatter(effective(row), pieces[layer])
            E = membership(row, narrow[layer][0].shape[0]).to(step)
            new_betas.append(betas[layer + 1] + step - E @ ((E.T @ step) / E.sum(dim=0)))  # sums stay 1
        new_betas.append(betas[-1])
        for layer in range(1, count):
            on = effective(self.maps[layer]).to(alphas[layer].dtype)
            rest = alphas[layer] - on[:, None] * betas[layer][None, :]
            rests.append(rest + pieces[count + layer - 1].view_as(rest))
        biases = [bias + piece for bias, piece in zip(biases, pieces[2 * count - 1 :], strict=True)]
        return alphas_from(self.maps, new_betas, rests, narrow), biases

    def _wide(self, narrow: Parts, alphas: list[Tensor], biases: list[Tensor]) -> Parts:
        wide: Parts = []
        inner = list(range(narrow[0][0].shape[1]))  # who copies whom in the layer below: the inputs
        constant = narrow[0][0].new_zeros(len(inner))
        for layer, (weight, bias, activation) in enumerate(narrow):
            outer = self.maps[layer] if layer < len(self.maps) else tuple(range(weight.shape[0]))
            known = effective(outer)[:, None] & effective(inner)[None, :]
            read = torch.where(known, weight[list(outer)][:, list(inner)], torch.ones_like(weight[0, 0]))
            new = alphas[layer] * read
            given = None if bias is None else bias[list(outer)] - new @ constant
            pushed = new @ constant  # what a null neuron of this layer receives
            null = ~effective(outer)
            if bias is not None and bool(null.any()):
                given = given.masked_scatter(null, biases[layer])
                pushed = pushed + given
            wide.append((new, given, activation))
            if layer < len(self.maps):
                value = pushed if activation is None else activation(pushed)
                constant = torch.where(null, value, torch.zeros_like(value))
            inner = list(outer)
        return wide

    def __str__(self) -> str:
        rows = "; ".join(
            f"layer {layer} copies {', '.join('null' if i < 0 else str(i) for i in row)}"
            for layer, row in enumerate(self.maps)
        )
        widths = ", ".join(str(len(row)) for row in self.maps)
        return f"compatible embedding into width {widths}: {rows}"


def compatible(
    net: nn.Sequential,
    maps: Sequence[Sequence[int]],
    alphas: Sequence[Tensor],
    *,
    null_biases: Sequence[Sequence[float]] | None = None,
    return_plan: bool = False,
) -> Embedded:
    """The general compatible embedding from index maps and coefficients; refused where not critical.

    W'_ij = α_ij W_{I(i), I(j)} (1 in place of W where i or j is null), Σ_{j copies s} α_ij = 1 or 0,
    Σ_{i copies k} β_i α_ij = β_j or 0; the conditions stand at `Compatible`.

    maps: per hidden layer, the narrow neuron that each wide neuron copies, −1 for a null neuron.
    alphas: per layer, (wide out, wide in). null_biases: per hidden layer, one number per null neuron,
    default 0. Returns a new network (with its Plan where return_plan). Raises ValueError that names the
    neuron and the sum where a condition is missed. Source: JML22 definition 5.2, theorem 5.1.

    >>> from epbook.networks import two_layer
    >>> alphas = [torch.ones(3, 1), torch.tensor([[1.5, -0.5, 1.0]])]
    >>> compatible(two_layer(1, 2, std=1.0), [[0, 0, 1]], alphas)[0].out_features
    3
    """
    rows = tuple(tuple(int(source) for source in row) for row in maps)
    if null_biases is None:
        null_biases = [[0.0] * sum(source < 0 for source in row) for row in rows]
    biases = tuple(tuple(float(bias) for bias in row) for row in null_biases)
    return carried_out(Plan((Compatible(rows, tuple(alphas), biases),)), net, return_plan)


def random_compatible(
    net: nn.Sequential,
    widths: int | Sequence[int] | None = None,
    *,
    maps: Sequence[Sequence[int]] | None = None,
    nulls: bool = False,
    spread: float = 1.0,
    seed: int = 0,
) -> Plan:
    """Draw an admissible compatible embedding: index maps, error ratios β, and all free coefficients.

    α = 1βᵀ + P R Q with R ~ N(0, spread²), P and Q the projectors onto the homogeneous conditions.

    Give `maps`, or `widths` for random ones in which every narrow neuron has a copy; with nulls, some
    new neurons copy nobody (biases N(0, spread²) where the layer has one; 0 where its constant could not
    be balanced). Returns the Plan; apply it with plan(net). Raises ValueError where neither or both are
    given, or widths do not fit. Source: JML22 section 5.

    >>> from epbook.networks import two_layer
    >>> plan = random_compatible(two_layer(1, 2), [4], seed=1)
    >>> len(plan.steps[0].maps[0])
    4
    """
    narrow = layers(net)
    now = [weight.shape[0] for weight, _, _ in narrow[:-1]]
    generator = torch.Generator().manual_seed(seed)
    if (maps is None) == (widths is None):
        raise ValueError(f"give either widths or maps, got widths={widths!r}, maps={maps!r}")
    if maps is None:
        widths = [widths] if isinstance(widths, int) else list(widths)
        if len(widths) != len(now) or any(want < have for want, have in zip(widths, now, strict=True)):
            raise ValueError(f"widths must name one width of at least {now} per hidden layer, got {widths}")
        lowest = -1 if nulls else 0
        maps = []
        for have, want in zip(now, widths, strict=True):
            new = torch.randint(lowest, have, (want - have,), generator=generator)
            row = torch.cat([torch.arange(have), new])
            maps.append(row[torch.randperm(want, generator=generator)].tolist())
    rows = tuple(tuple(int(source) for source in row) for row in maps)
    check_maps(rows, now)

    def normal(*shape: int) -> Tensor:
        return spread * torch.randn(*shape, generator=generator, dtype=torch.float64)

    betas = [torch.ones(narrow[0][0].shape[1], dtype=torch.float64)]
    for row, have in zip(rows, now, strict=True):
        E = membership(row, have)
        draw = normal(len(row)) * E.sum(dim=1)  # nothing reaches a null neuron backwards
        betas.append(draw + E @ ((1 - E.T @ draw) / E.sum(dim=0)))
    betas.append(torch.ones(narrow[-1][0].shape[0], dtype=torch.float64))
    rests = [normal(len(outer), len(inner)) for inner, outer in itertools.pairwise(rows)]
    alphas = alphas_from(rows, betas, rests, narrow)
    biases = []
    for layer, row in enumerate(rows):
        balanced = all(bias is not None for _, bias, _ in narrow[layer:])
        count = sum(source < 0 for source in row)
        biases.append(tuple(normal(count).tolist()) if balanced else (0.0,) * count)
    return Plan((Compatible(rows, tuple(alphas), tuple(biases)),))
