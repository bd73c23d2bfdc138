"""Groups of similar neurons, with a promise that holds for every pair in a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn

from epbook.checks import finite
from epbook.neurons import Neurons, clusters, distance, equal_up_to, features, lengths
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class Groups(Result):
    """The neurons of one hidden layer, sorted: groups to merge, low amplitude, constants.

    members: the groups, each a tuple of neuron numbers, in the order of their first members.
    worst: the least similarity of a pair of each group (1.0 for a neuron on its own).
    low: neurons of low amplitude, left out. constant: neurons with w = 0, whose constant output goes
    into the next layer's bias. amplitude: of every neuron. threshold: the similarity asked for.
    Source: textbook section 1.4.
    """

    layer: int
    threshold: float
    members: tuple[tuple[int, ...], ...]
    worst: tuple[float, ...]
    low: tuple[int, ...]
    constant: tuple[int, ...]
    amplitude: Tensor = field(repr=False)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def order(self) -> list[int]:
        """All neurons, group by group, the largest group first, then the constants, then low amplitude."""
        by_size = sorted(self.members, key=len, reverse=True)
        return [neuron for group in by_size for neuron in group] + [*self.constant, *self.low]

    def __str__(self) -> str:
        width = len(self.amplitude)
        lines = [
            f"layer {self.layer}: {width} neurons",
            f"  {len(self)} groups at similarity ≥ {self.threshold:g}, worst pair {min(self.worst):.4f}",
            f"  {len(self.low)} neurons of low amplitude",
        ]
        return "\n".join(lines + [f"  {len(self.constant)} constants"] * bool(self.constant))


def groups(
    net: nn.Sequential, *, similarity: float = 0.9, layer: int = 0, low_amplitude: float = 1e-3
) -> Groups:
    """Sort a hidden layer into groups whose neurons are all similar, pair by pair.

    s_jk ≥ similarity for **every** pair j, k of a group: complete linkage, cut at 1 − similarity. Single
    linkage or a greedy pass only chain neurons together, and the ends of a chain can be far apart.

    Neurons that are equal up to the rounding of the number type that came in count as one first. Then
    those whose amplitude is at most low_amplitude times the largest are set apart (0: only those that
    contribute nothing). Where the next layer has a bias, so are neurons with w = 0: they are constants.
    Raises ValueError for a similarity not in (0, 1], low_amplitude not in [0, 1), a layer that is not
    there, and as `ep.layers` does.
    Source: textbook section 1.4, figure 1.7(b), which leaves the linkage open; scipy.cluster.hierarchy.

    >>> from epbook.embedding import split
    >>> from epbook.networks import two_layer
    >>> wide = split(two_layer(3, 4, std=1.0), neuron=2, alpha=0.3)
    >>> print(groups(wide, similarity=0.99))
    layer 0: 5 neurons
      4 groups at similarity ≥ 0.99, worst pair 1.0000
      0 neurons of low amplitude
    """
    check_thresholds(similarity, low_amplitude)
    return grouped(features(net, layer=layer), layer, similarity, low_amplitude)


def check_thresholds(similarity: float, low_amplitude: float) -> None:
    """Raise ValueError where they are not in (0, 1] and [0, 1). Source: textbook section 1.4.

    >>> check_thresholds(0.9, 1.5)
    Traceback (most recent call last):
    ValueError: low_amplitude must be at least 0 and below 1, got 1.5
    """
    if not 0 < finite(similarity, "similarity") <= 1:
        raise ValueError(f"similarity must be above 0 and at most 1, got {similarity!r}")
    if not 0 <= finite(low_amplitude, "low_amplitude") < 1:
        raise ValueError(f"low_amplitude must be at least 0 and below 1, got {low_amplitude!r}")


def grouped(neurons: Neurons, layer: int, similarity: float, low_amplitude: float) -> Groups:
    """`groups` of neurons that were read already. Source: there."""
    apart = distance(neurons)
    everyone = np.arange(len(neurons))
    constant = everyone[_constant(neurons)] if neurons.next_bias is not None else everyone[:0]
    varying = np.setdiff1d(everyone, constant)
    copies = clusters(apart, varying, equal_up_to(neurons.eps))
    loudness = [together(neurons, group) for group in copies]
    largest = max(loudness, default=0.0)
    keeps = [amount > low_amplitude * largest for amount in loudness]
    if not any(keeps):  # a layer needs a neuron, if only one that contributes nothing
        if copies:
            keeps[0] = True
        else:
            varying, constant = constant[:1], constant[1:]
    low = sorted(k for group, keep in zip(copies, keeps, strict=True) if not keep for k in group)
    members = clusters(apart, np.setdiff1d(varying, low), max(1 - similarity, equal_up_to(neurons.eps)))
    return Groups(
        layer=int(layer),
        threshold=float(similarity),
        members=members,
        worst=tuple(float(1 - apart[np.ix_(group, group)].max()) for group in members),
        low=tuple(low),
        constant=tuple(constant.tolist()),
        amplitude=neurons.strength,
    )


def together(neurons: Neurons, group: Sequence[int]) -> float:
    """How much equal neurons can contribute as one, ‖Σ_k s_k c_k‖·gain: their outputs may cancel.

    Source: textbook section 1.4.

    >>> import torch
    >>> twins = Neurons(torch.ones(2, 1), torch.tensor([[1.0], [-1.0]]), False, nn.ReLU())
    >>> together(twins, [0, 1])
    0.0
    """
    summed = neurons.sign(group[0], group) @ neurons.outer[list(group)]
    return float(lengths(summed[None]) * neurons.gain[group[0]])


def _constant(neurons: Neurons) -> np.ndarray:
    """Neurons whose input weights w vanish, up to rounding against the layer's largest."""
    size = lengths(neurons.incoming[:, :-1] if neurons.bias else neurons.incoming)
    return (size <= 1e-12 * size.max()).cpu().numpy()
