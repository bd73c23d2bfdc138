"""Random nets at true critical points, random embeddings, and the gradient map in closed form."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

import epbook as ep
from epbook.activations import activation_of
from epbook.embedding import Compatible, Null, Permute, Plan, Scale, Split
from epbook.embedding.conditions import betas_from, effective, null_constants
from epbook.given import layers
from epbook.networks import sequential

ACTIVATIONS = [nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU, nn.GELU, nn.ReLU]
SMOOTH = ACTIVATIONS[:-1]
KINDS = ["split", "k-way", "null", "embed", "compatible", "three-fold", "permute", "scale"]


def random_net(
    rng: np.random.Generator, depth: int, outputs: int, activation: type[nn.Module]
) -> nn.Sequential:
    """A net of `depth` Linear layers, 1-3 neurons in each, every layer with or without biases."""
    sizes = [int(rng.integers(1, 3)), *rng.integers(1, 4, size=depth - 1).tolist(), outputs]
    triples = []
    for layer in range(depth):
        shape = (sizes[layer + 1], sizes[layer])
        weight = torch.from_numpy(rng.normal(size=shape) * 1.2)
        bias = torch.from_numpy(rng.normal(size=shape[0])) if rng.random() < 0.6 else None
        triples.append((weight, bias, activation() if layer < depth - 1 else None))
    return sequential(triples)


def jacobian(net: nn.Sequential, x: Tensor) -> Tensor:
    """∂f(x)/∂θ, all samples and outputs below one another: (n·outputs, parameters)."""
    names = [name for name, _ in net.named_parameters()]
    values = tuple(p.detach() for p in net.parameters())

    def output(*values: Tensor) -> Tensor:
        return torch.func.functional_call(net, dict(zip(names, values, strict=True)), (x,)).flatten()

    blocks = torch.func.jacrev(output, argnums=tuple(range(len(values))))(*values)
    return torch.cat([block.reshape(block.shape[0], -1) for block in blocks], dim=1)


def at_critical_point(net: nn.Sequential, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Data for which `net`, as it stands, is a critical point of the mean squared error."""
    outputs, count = net[-1].out_features, sum(p.numel() for p in net.parameters())
    n = count // outputs + 4
    x = torch.from_numpy(rng.normal(size=(n, net[0].in_features)) * 1.5)
    return x, ep.critical.critical_targets(net, x, residual=0.6, seed=int(rng.integers(2**31)))


def gradient(net: nn.Sequential, x: Tensor, y: Tensor, loss=nn.functional.mse_loss) -> list[Tensor]:
    """∂loss/∂θ in the order of net.parameters()."""
    return list(torch.autograd.grad(loss(net(x), y), list(net.parameters())))


def flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([t.flatten() for t in tensors])


def random_step(kind: str, net: nn.Sequential, rng: np.random.Generator) -> Plan | None:
    """One embedding of the kind, or None where the net admits none (its refusal is tested elsewhere)."""
    narrow = layers(net)
    layer = int(rng.integers(len(narrow) - 1))
    weight, bias, activation = narrow[layer]
    neuron = int(rng.integers(weight.shape[0]))
    widths = [w.shape[0] + int(rng.integers(0, 3)) for w, _, _ in narrow[:-1]]
    seed = int(rng.integers(2**31))
    if kind == "split":
        alpha = float(rng.uniform(-3, 3))
        return Plan((Split(layer, neuron, (1 - alpha, alpha)),))
    if kind == "k-way":
        shares = rng.uniform(-1, 1, size=int(rng.integers(1, 4)))
        return Plan((Split(layer, neuron, (1 - shares.sum(), *shares)),))
    if kind == "null":
        balanced = narrow[layer + 1][1] is not None
        value = float(rng.normal()) if balanced and bias is not None else 0.0
        at = activation_of(activation).value(torch.tensor([value]))
        return Plan((Null(layer, value),)) if balanced or at.item() == 0 else None
    if kind == "embed":
        return ep.plan.embed(net, widths, seed=seed)
    if kind == "compatible":
        later = all(b is not None for _, b, _ in narrow[1:])
        return ep.plan.random_compatible(net, widths, nulls=later, spread=0.5, seed=seed)
    if kind == "three-fold":
        return ep.plan.three_fold(net)
    if kind == "permute":
        return Plan((Permute(layer, tuple(rng.permutation(weight.shape[0]).tolist())),))
    facts = activation_of(activation)
    if facts.degree is not None:
        return Plan((Scale(layer, neuron, float(rng.uniform(0.3, 3))),))
    return Plan((Scale(layer, neuron, -1.0),)) if facts.odd else None


def pushed(step, net: nn.Sequential, grads: list[Tensor]) -> list[Tensor]:
    """B∇R(θ): the gradient at the embedded point from that at the source, written out by hand."""
    narrow = layers(net)
    pairs, rest = [], list(grads)
    for _, bias, _ in narrow:
        pairs.append([rest.pop(0), None if bias is None else rest.pop(0)])
    if isinstance(step, Compatible):
        pairs = _pushed_compatible(step, narrow, pairs)
    else:
        (gw, gb), (gv, gc) = pairs[step.layer], pairs[step.layer + 1]
        if isinstance(step, Split):
            s, f = step.neuron, torch.tensor(step.fractions, dtype=gw.dtype)
            rows = torch.cat([torch.arange(len(gw)), torch.full((len(f) - 1,), s)])
            share = torch.ones(len(rows), dtype=gw.dtype)
            share[s], share[len(gw) :] = f[0], f[1:]
            gw, gv = gw[rows] * share[:, None], gv[:, rows]
            gb = None if gb is None else gb[rows] * share
        elif isinstance(step, Null):
            constant = activation_of(narrow[step.layer][2]).value(torch.tensor([step.bias], dtype=gw.dtype))
            gw = torch.cat([gw, gw.new_zeros(1, gw.shape[1])])
            gb = None if gb is None else torch.cat([gb, gb.new_zeros(1)])
            column = gv.new_zeros(len(gv)) if gc is None else gc * constant
            gv = torch.cat([gv, column[:, None]], dim=1)
        elif isinstance(step, Permute):
            order = list(step.order)
            gw, gb, gv = gw[order], None if gb is None else gb[order], gv[:, order]
        else:
            factor = torch.ones(len(gw), dtype=gw.dtype)
            factor[step.neuron] = step.factor  # degree 1, or ±1: the same factor on both sides
            gw, gb, gv = gw / factor[:, None], None if gb is None else gb / factor, gv * factor
        pairs[step.layer], pairs[step.layer + 1] = [gw, gb], [gv, gc]
    return [g for pair in pairs for g in pair if g is not None]


def _pushed_compatible(step: Compatible, narrow, pairs):
    betas = betas_from(step.maps, step.alphas, narrow)
    constants = null_constants(step.maps, step.alphas, step.null_biases, narrow)
    rows = [tuple(range(narrow[0][0].shape[1])), *step.maps, tuple(range(narrow[-1][0].shape[0]))]
    found = []
    for layer, (gw, gb) in enumerate(pairs):
        outer, inner = list(rows[layer + 1]), list(rows[layer])
        beta = betas[layer + 1]
        new = gw[outer][:, inner] * beta[:, None]
        if layer and not bool(effective(inner).all()):
            column = gw.new_zeros(len(outer)) if gb is None else gb[outer] * beta
            new = torch.where(effective(inner)[None, :], new, column[:, None] * constants[layer - 1][None, :])
        new = new * effective(outer)[:, None]
        found.append([new, None if gb is None else gb[outer] * beta * effective(outer)])
    return found


def random_deep(*, bias, activation=nn.Tanh):
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    sizes, triples = [2, 2, 3, 2], []
    for layer in range(3):
        weight = normal(sizes[layer + 1], sizes[layer])
        triples.append((weight, normal(len(weight)) if bias else None, activation() if layer < 2 else None))
    return ep.sequential(triples)
