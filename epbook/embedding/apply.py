"""The embeddings as functions of a network: each applies the plan of the same name, in `ep.plan`.

Every one takes any nn.Sequential of Linear and elementwise activations, of any number type and on any device,
and returns a new network of the same kind that shares nothing with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike
from torch import Tensor, nn

from epbook.embedding import plan


def split(
    net: nn.Sequential,
    *,
    layer: int = 0,
    neuron: int = 0,
    alpha: float | None = None,
    fractions: Sequence[float] | None = None,
) -> nn.Sequential:
    """Split one neuron; output and every critical point are kept, for every real α.

    T^α: (w, b, c) ↦ (w, b, (1−α)c), (w, b, αc). The gradient map is linear, ∇L(T^αθ) = B_α ∇L(θ), so a
    zero gradient stays zero. With `fractions` (f_1, …, f_k), Σ f_i = 1, into k at once.

    layer: hidden layer, 0 is the first. alpha: share of the new neuron, default 1/2; the new neurons stand
    at the end of the layer. Returns a new network. Raises ValueError for a layer or neuron that is not
    there, a share that is not finite, fractions that do not sum to 1, both alpha and fractions, and shares
    so large that more than half of the digits would cancel (6.7e7 in float64, 2896 in float32).
    Source: textbook section 1.3, figure 1.4; EP21 (arXiv 2105.14573).

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> wide = split(net, layer=0, neuron=1, alpha=0.25)
    >>> [round(v, 6) for v in (wide[2].weight / net[2].weight[0, 1])[0, 1:].tolist()]
    [0.75, 0.25]
    """
    return plan.split(net, layer=layer, neuron=neuron, alpha=alpha, fractions=fractions)(net)


def add_null(net: nn.Sequential, *, layer: int = 0, bias: float = 0.0) -> nn.Sequential:
    """Add a neuron with zero incoming and outgoing weights; refused where the result is not critical.

    (W, b), W⁺ ↦ ([W; 0], [b; bias]), [W⁺, 0]. Critical if the next layer has a bias or σ(bias) = 0.

    layer: hidden layer, 0 is the first. bias: pre-activation of the new neuron. Returns a new network.
    Raises ValueError for a layer that is not there, a bias that is not finite or that the layer cannot
    hold, and a constant output σ(bias) ≠ 0 that no bias balances. Source: JML22 (arXiv 2111.15527).

    >>> from epbook.networks import two_layer
    >>> add_null(two_layer(1, 2, output_bias=True), bias=0.5)[0].bias[-1].item()
    0.5
    >>> add_null(two_layer(1, 2), bias=0.5)  # ReLU, no output bias
    Traceback (most recent call last):
    ValueError: a null neuron with bias 0.5 is not critical: its output is the constant 0.5, and layer 1 has \
no bias that balances it. Use a bias with σ(bias) = 0, or a network with biases in that layer
    """
    return plan.add_null(net, layer=layer, bias=bias)(net)


def embed(
    net: nn.Sequential,
    widths: int | Sequence[int],
    *,
    neurons: Sequence[Sequence[int]] | None = None,
    fractions: Sequence[Sequence[float]] | None = None,
    seed: int | None = None,
) -> nn.Sequential:
    """Embed a network into any wider one of the same depth by splitting neurons.

    Every new neuron j copies a source s(j) and takes a share α_j of its outgoing weights; the source
    keeps 1 − Σ_j α_j. K new neurons give a K-dimensional affine set of critical points.

    widths: one per hidden layer (a number alone for one hidden layer), none below the present width.
    neurons: per hidden layer the sources of its new neurons; default: each in turn, or drawn with `seed`.
    fractions: per hidden layer the shares α_j; default: equal shares, or N(1/2, 1) drawn with `seed`.
    Returns a new network. Raises ValueError where widths, neurons or fractions do not fit the network.
    Source: textbook section 1.3; EP21 theorem 2.

    >>> from epbook.networks import two_layer
    >>> embed(two_layer(1, 2), widths=[5])[0].out_features
    5
    """
    return plan.embed(net, widths, neurons=neurons, fractions=fractions, seed=seed)(net)


def three_fold(net: nn.Sequential) -> nn.Sequential:
    """Three copies of the whole network side by side, the outputs read as f + f − f.

    W_1 ↦ [W_1; W_1; W_1], W_l ↦ diag(W_l, W_l, W_l), W_L ↦ [W_L, W_L, −W_L]. Moves δ, δ', δ + δ' of the
    three copies leave the output unchanged to first order and change the loss by −2 H⁽²⁾(δ, δ'), which
    takes both signs: a critical point with H⁽²⁾ ≠ 0 becomes a strict saddle (H⁽²⁾: the part of the
    Hessian with the second derivatives of the network).

    Returns a new network of three times every hidden width. Raises ValueError without hidden layers.
    Source: JML22 theorem 6.3.

    >>> import torch
    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, std=1.0)
    >>> torch.equal(three_fold(net)[2].weight[:, 4:], -net[2].weight)
    True
    """
    return plan.three_fold(net)(net)


def permute(net: nn.Sequential, order: Sequence[int], *, layer: int = 0) -> nn.Sequential:
    """Reorder the neurons of one hidden layer: new neuron i is old neuron order[i].

    W ↦ ΠW, b ↦ Πb, W⁺ ↦ W⁺Πᵀ; output, gradient norm and Hessian spectrum are kept.

    Returns a new network. Raises ValueError where order is no permutation. Source: JML22.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 3, std=1.0)
    >>> bool((permute(net, [2, 0, 1])[0].bias[0] == net[0].bias[2]))
    True
    """
    return plan.permute(net, order, layer=layer)(net)


def scale(net: nn.Sequential, factor: float, *, layer: int = 0, neuron: int = 0) -> nn.Sequential:
    """Scale a neuron's incoming weights and bias by β, its outgoing weights by β^−p.

    σ(βz) = β^p σ(z) keeps the output for a p-homogeneous σ and β > 0; for an odd σ, β = −1 does.

    Returns a new network. Raises ValueError where σ lacks the symmetry, and for a factor so small or large
    that a weight leaves the range of its number type. Source: JML22.

    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 1, std=1.0)
    >>> round((scale(net, 4.0)[2].weight / net[2].weight).item(), 6)
    0.25
    """
    return plan.scale(net, factor, layer=layer, neuron=neuron)(net)


def compatible(
    net: nn.Sequential,
    maps: Sequence[Sequence[int]],
    alphas: Sequence[Tensor | ArrayLike],
    *,
    null_biases: Sequence[Sequence[float]] | None = None,
) -> nn.Sequential:
    """The general compatible embedding from index maps and coefficients; refused where not critical.

    W'_ij = α_ij W_{I(i), I(j)} (1 in place of W where i or j is null), Σ_{j copies s} α_ij = 1 or 0,
    Σ_{i copies k} β_i α_ij = β_j or 0; the conditions stand at `ep.plan.Compatible`.

    maps: per hidden layer, the narrow neuron that each wide neuron copies, −1 for a null neuron.
    alphas: per layer (m, n) for n neurons of the wide net that go into m: tensors, arrays or lists, in
    float64 or their sums are not 1.
    null_biases: per hidden layer, one number per null neuron, default 0. Returns a new network.
    Raises ValueError that names the neuron and the sum where a condition is missed.
    Source: JML22 definition 5.2, theorem 5.1.

    >>> from epbook.networks import two_layer
    >>> alphas = [[[1], [1], [1]], [[1.6, -0.6, 1.0]]]
    >>> compatible(two_layer(1, 2, std=1.0), [[0, 0, 1]], alphas)[0].out_features
    3
    """
    return plan.compatible(net, maps, alphas, null_biases=null_biases)(net)


def random_compatible(
    net: nn.Sequential,
    widths: int | Sequence[int] | None = None,
    *,
    maps: Sequence[Sequence[int]] | None = None,
    nulls: bool = False,
    spread: float = 1.0,
    seed: int = 0,
) -> nn.Sequential:
    """An admissible compatible embedding drawn at random: index maps, error ratios β, free coefficients.

    α = 1βᵀ + P R Q with R ~ N(0, spread²), P and Q the projectors onto the homogeneous conditions.

    Give `maps`, or `widths` for random ones in which every narrow neuron has a copy; with nulls, some
    new neurons copy nobody (biases N(0, spread²) where the layer has one; 0 where its constant could not
    be balanced). Returns a new network. Raises ValueError where neither or both are given, or widths do
    not fit. Source: JML22 section 5.

    >>> from epbook.networks import two_layer
    >>> random_compatible(two_layer(1, 2), [4], seed=1)[0].out_features
    4
    """
    return plan.random_compatible(net, widths, maps=maps, nulls=nulls, spread=spread, seed=seed)(net)
