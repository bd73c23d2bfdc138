"""How far a wide network is from everything that a narrow critical point embeds into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.activations import Activation, activation_of
from epbook.embedding.assignment import Fixed, Scaled
from epbook.given import layers
from epbook.networks import sequential


@dataclass(frozen=True)
class Nearest:
    """The nearest point found in the embedded set.

    distance: ‖θ − θ'‖₂ to it. model: the network there. copies: per wide neuron the narrow neuron that it
    copies there, −1 for a null neuron.
    """

    distance: float
    model: nn.Sequential
    copies: tuple[int, ...]


def nearest_embedded(
    wide: nn.Sequential, narrow: nn.Sequential, *, x: Tensor | None = None, starts: int = 1
) -> Nearest:
    """The point nearest to `wide` in the set of all embeddings of `narrow`, over copies, shares and nulls.

    min ‖θ − T θ_narrow‖₂ over who copies whom, shares with Σ f = 1, scales s > 0 of a neuron's sides for
    ReLU ((w, b, c) ↦ (s w, s b, c/s)), signs for odd σ, and null neurons at 0 where σ(0) = 0. For fixed
    copies the minimum is closed (or one root); copies are improved one by one until none helps, so the
    distance is an upper bound, exact where the copies are right; more starts (seeded) tighten it.

    wide, narrow: two-layer, scalar output, no output bias, same σ and inputs. x: (n, inputs); for ReLU a
    neuron that is off on all of x is critical as it stands and counts as null at distance 0.
    Returns Nearest. Raises ValueError where the networks are of another form. Source: chapter section 1.3,
    figure 1.6; the affine set of EP21 theorem 2.

    >>> from epbook.embedding import embed
    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> nearest_embedded(embed(net, 6, seed=3), net).distance < 1e-14
    True
    """
    incoming, outgoing, facts = _sides(wide, "wide")
    source_in, source_out, source_facts = _sides(narrow, "narrow")
    if incoming.shape[1] != source_in.shape[1] or facts.name != source_facts.name:
        raise ValueError(
            f"the networks differ in σ or inputs: {facts.name} of {incoming.shape[1]} against "
            f"{source_facts.name} of {source_in.shape[1]} (bias included)"
        )
    if starts != int(starts) or starts < 1:
        raise ValueError(f"starts must be a whole number of at least 1, got {starts!r}")
    if len(incoming) < len(source_in):
        raise ValueError(f"width {len(source_in)} does not embed into width {len(incoming)}")
    if facts.degree == 1 and not facts.odd:
        problem = Scaled(incoming, outgoing, source_in, source_out)
        if x is not None and facts.kinks:
            with torch.no_grad():
                problem.base[~(wide[0](x) > 0).any(dim=0).numpy(), 0] = 0.0
    else:
        null = facts.value(torch.zeros(1)).item() == 0
        problem = Fixed(incoming, outgoing, source_in, source_out, (1, -1) if facts.odd else (1,), null)
    chosen, new_in, new_out = problem.solve(starts)
    stay = (chosen == 0) & (problem.base[:, 0] == 0)  # a dead neuron is critical as it stands
    new_in[stay], new_out[stay] = incoming[stay], outgoing[stay]
    distance = float(np.sqrt(((new_in - incoming) ** 2).sum() + ((new_out - outgoing) ** 2).sum()))
    (weight, bias, activation), _ = layers(wide)
    inputs = weight.shape[1]
    given, out = torch.from_numpy(new_in), torch.from_numpy(new_out)[None, :]
    model = sequential(
        [
            (given[:, :inputs], None if bias is None else given[:, inputs], activation),
            (out, None, None),
        ]
    )
    copies = problem.group[chosen]
    return Nearest(distance, model, tuple(copies.tolist()))


def _sides(net: nn.Sequential, name: str) -> tuple[NDArray, NDArray, Activation]:
    """(w, b) per neuron, outgoing weights, and σ; ValueError unless two-layer, scalar, no output bias."""
    triples = layers(net)
    if len(triples) != 2 or triples[1][0].shape[0] != 1 or triples[1][1] is not None:
        raise ValueError(f"{name} must be a two-layer network of scalar output and no output bias, got {net}")
    (weight, bias, activation), (out, _, last) = triples
    if last is not None:
        raise ValueError(f"{name} has an activation behind its output: {last}")
    incoming = weight if bias is None else torch.cat([weight, bias[:, None]], dim=1)
    return incoming.double().numpy(), out[0].double().numpy(), activation_of(activation)
