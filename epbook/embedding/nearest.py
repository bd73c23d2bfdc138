"""How far a wide network is from everything that a narrow critical point embeds into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from epbook.activations import activation_of, same
from epbook.checks import whole
from epbook.embedding.assignment import Assignment, Floats
from epbook.embedding.copies import Fixed, Scaled
from epbook.given import GivenNetwork, read, refuse_meta
from epbook.networks import Layer
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class Nearest(Result):
    """The nearest point found in the embedded set.

    distance: ‖θ − θ'‖₂ to it. model: the network there. copies: per wide neuron the narrow neuron that it
    copies there, −1 for a null neuron. Source: textbook section 1.3, figure 1.6.
    """

    distance: float
    model: nn.Sequential
    copies: tuple[int, ...]


def nearest_embedded(
    wide: nn.Sequential, narrow: nn.Sequential, *, x: Tensor | None = None, starts: int = 1, seed: int = 0
) -> Nearest:
    """The point nearest to `wide` in the set of all embeddings of `narrow`, over copies, shares and nulls.

    min ‖θ − T θ_narrow‖₂ over who copies whom, shares with Σ f = 1, scales s > 0 of a neuron's sides for
    ReLU and LeakyReLU ((w, b, c) ↦ (s w, s b, c/s)), signs for odd σ, and null neurons at 0 where σ(0) = 0.
    For fixed copies the minimum is closed (or one root); copies are improved one by one until none helps, so
    the distance is an upper bound, exact where the copies are right; more starts (drawn with `seed`) tighten
    it.

    wide, narrow: two-layer, scalar output, no output bias, same σ and inputs. x: (n, inputs); a neuron whose
    σ is 0 and flat on all of x, such as a ReLU that is off, is critical as it stands and counts as null at
    distance 0. Returns Nearest. Raises ValueError where the networks are of another form, or on the meta
    device, where weights have no values. Source: textbook section 1.3, figure 1.6; the affine set of EP21
    theorem 2.

    >>> from epbook.embedding import embed
    >>> from epbook.networks import two_layer
    >>> net = two_layer(1, 2, activation=nn.Tanh, std=1.0)
    >>> nearest_embedded(embed(net, 6, seed=3), net).distance < 1e-14
    True
    """
    given, source = _sides(wide, "wide", x), _sides(narrow, "narrow")
    (hidden, last), (small, small_last) = given.layers, source.layers
    shapes = [(layer.incoming.shape[1], layer.bias is not None) for layer in (hidden, small)]
    if shapes[0] != shapes[1] or not same(hidden.activation, small.activation):
        raise ValueError(
            f"the networks differ in σ, inputs or biases: {hidden.activation} of {hidden.inputs} inputs "
            f"against {small.activation} of {small.inputs}"
        )
    if hidden.width < small.width:
        raise ValueError(f"width {small.width} does not embed into width {hidden.width}")
    incoming, outgoing = _numbers(hidden.incoming), _numbers(last.weight[0])
    problem = assignment(hidden, incoming, outgoing, _numbers(small.incoming), _numbers(small_last.weight[0]))
    if given.x is not None:
        problem.base[_silent(hidden, given.x), 0] = 0.0
    chosen, new_in, new_out = problem.solve(whole(starts, "starts", 1), whole(seed, "seed"))
    stay = (chosen == 0) & (problem.base[:, 0] == 0)  # a silent neuron is critical as it stands
    new_in[stay], new_out[stay] = incoming[stay], outgoing[stay]
    distance = float(np.sqrt(((new_in - incoming) ** 2).sum() + ((new_out - outgoing) ** 2).sum()))
    near = torch.from_numpy(new_in).to(hidden.weight)
    bias = None if hidden.bias is None else near[:, -1]
    out = torch.from_numpy(new_out)[None].to(last.weight)
    model = given.network([Layer(near[:, : hidden.inputs], bias, hidden.activation), Layer(out, None, None)])
    return Nearest(distance, model, tuple(problem.group[chosen].tolist()))


def assignment(
    hidden: Layer, incoming: Floats, outgoing: Floats, source_in: Floats, source_out: Floats
) -> Assignment:
    """The search over copies that belongs to the symmetries of the hidden layer's σ.

    Source: the symmetries of textbook section 1.3.

    >>> one = np.ones((1, 1))
    >>> type(assignment(Layer(torch.ones(1, 1), None, nn.ReLU()), one, one[0], one, one[0])).__name__
    'Scaled'
    """
    facts = activation_of(hidden.activation)
    if facts.degree == 1 and not facts.odd:
        return Scaled(incoming, outgoing, source_in, source_out)
    null = facts.value(torch.zeros(1)).item() == 0
    return Fixed(incoming, outgoing, source_in, source_out, (1, -1) if facts.odd else (1,), null)


def _silent(hidden: Layer, x: Tensor) -> np.ndarray:
    """Which neurons give 0 on all of x and go on to give 0 where they are moved a little."""
    facts, z = activation_of(hidden.activation), hidden.affine(x)
    if not facts.kinks:
        return np.zeros(hidden.width, dtype=bool)
    return ((facts.value(z) == 0) & (facts.first(z) == 0)).all(dim=0).cpu().numpy()


def _sides(net: nn.Sequential, name: str, x: Tensor | None = None) -> GivenNetwork:
    """The network as read; ValueError unless two-layer, scalar, no output bias."""
    given = read(net, x)
    found = given.layers
    if len(found) != 2 or given.outputs != 1 or found[1].bias is not None or found[1].activation is not None:
        raise ValueError(
            f"{name} must be a two-layer network of scalar output, with no output bias and nothing behind "
            f"the output, got {net}"
        )
    refuse_meta(found)
    return given


def _numbers(values: Tensor) -> Floats:
    return values.cpu().numpy().copy()
