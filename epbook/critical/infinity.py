"""Two ways to infinity that can be named: a neuron that saturates, and two that merge."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from torch import nn

from epbook.activations import activation_of
from epbook.critical.flat import SAME
from epbook.critical.jets import jet_of
from epbook.critical.problem import Problem
from epbook.networks import Layer

# σ' and σ'' below this are no slope and no bend: float64 loses their squares beside 1.
FLAT = 1e-8
# Output weights below this, in units of the targets, are those of a neuron that is about to be absent: it
# neither saturates nor merges with another, whatever its input weights do. Input weights below this, in units
# of the inputs, are those of one that is about to be constant, and does not saturate either.
FAINT = 1e-3


def saturated_neuron(problem: Problem, theta: NDArray) -> str:
    """Which neuron the data do not pin because σ is flat on too many samples; empty if none.

    (w, b) of a neuron acts on the output through σ'(z_i) x̃_i and σ''(z_i) x̃_i. Where the samples with
    σ' ≠ 0 or σ'' ≠ 0 span fewer dimensions than all samples do, (w, b) can grow without end and change the
    loss by less and less. Where σ is constant on one side at finite z already, as ReLU is, nothing grows.
    """
    found = problem.layers(theta)
    for depth, (inputs, z, activation) in enumerate(problem.hidden(theta)):
        if depth + 1 == len(found):
            break
        faint = (found[depth + 1].weight.abs().amax(dim=0) <= FAINT).numpy()
        _, slope, bend = jet_of(activation)(z)
        flat = np.maximum(np.abs(slope), np.abs(bend)) <= FLAT
        if not flat.any() or not tails(activation):
            continue
        bias = found[depth].bias is not None
        if bias:  # a neuron that is about to be constant may have any b
            faint |= (found[depth].weight.abs().amax(dim=1) <= FAINT).numpy()
        rows = np.hstack([inputs, np.ones((len(inputs), 1))]) if bias else inputs
        full = np.linalg.matrix_rank(rows)
        for neuron in range(z.shape[1]):
            off = flat[:, neuron]
            if off.any() and not faint[neuron] and np.linalg.matrix_rank(rows * ~off[:, None]) < full:
                return (
                    f"neuron {neuron} of layer {depth} is flat on {int(off.sum())} of {len(off)} "
                    f"samples (|z| up to {np.abs(z[:, neuron]).max():.3g}): its weights are free to grow"
                )
    return ""


def tails(activation: nn.Module) -> bool:
    """Whether σ tends to a limit that it never reaches, as e^z does: smooth σ, and ELU with its kink."""
    near = np.array([[-20.0, 20.0]])
    return not activation_of(activation).kinks or bool((jet_of(activation)(near)[2] != 0).any())


def merging_neurons(found: list[Layer]) -> str:
    """Which two neurons become one while their output weights cancel, the mark of a channel to infinity."""
    for depth, (layer, after) in enumerate(itertools.pairwise(found)):
        full, A = layer.incoming.numpy(), after.weight.numpy()
        odd = layer.activation is not None and activation_of(layer.activation).odd
        for j, k in itertools.combinations(range(len(full)), 2):
            for sign in (1.0, -1.0) if odd else (1.0,):
                apart = np.linalg.norm(full[j] - sign * full[k]) / np.fmax(np.linalg.norm(full[j]), 1e-300)
                sizes = np.linalg.norm(A[:, j]) + np.linalg.norm(A[:, k])
                left = np.linalg.norm(A[:, j] + sign * A[:, k]) / np.fmax(sizes, 1e-300)
                if SAME < apart < 0.1 and left < 0.1 and sizes > FAINT:
                    return (
                        f"neurons {j} and {k} of layer {depth} merge (to {apart:.1e} of their weights) "
                        f"while their output weights, up to {np.abs(A[:, [j, k]]).max():.3g}, cancel"
                    )
    return ""
