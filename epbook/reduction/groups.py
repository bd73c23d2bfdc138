"""Groups of similar neurons, with a promise that holds for every pair in a group."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from torch import Tensor, nn

from epbook.given import layers
from epbook.reduction.similarity import Neurons

# 1 − similarity of neurons that are equal up to rounding: a relative difference of 1e-9, squared.
EQUAL = 1e-18


@dataclass(frozen=True)
class Groups:
    """The neurons of one hidden layer, sorted: groups to merge, low amplitude, constants.

    members: the groups, each a tuple of neuron numbers, in the order of their first members.
    worst: the least similarity of a pair of each group (1.0 for a neuron on its own).
    low: neurons of low amplitude, left out. constant: neurons with w = 0, whose constant output goes
    into the next layer's bias. amplitude: of every neuron. threshold: the similarity asked for.
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
    net: nn.Sequential, similarity: float = 0.9, *, layer: int = 0, low_amplitude: float = 1e-3
) -> Groups:
    """Sort a hidden layer into groups whose neurons are all similar, pair by pair.

    s_jk ≥ similarity for **every** pair j, k of a group: complete linkage, cut at 1 − similarity. Single
    linkage or a greedy pass only chain neurons together, and the ends of a chain can be far apart.

    Neurons equal up to rounding count as one first. Then those whose amplitude is at most low_amplitude
    times the largest are set apart (0: only those that contribute nothing). Where the next layer has a
    bias, so are neurons with w = 0: they are constants. Raises ValueError for a similarity not in (0, 1],
    low_amplitude not in [0, 1), a layer that is not there, or weights that are not finite.
    Source: chapter section 1.4, figure 1.7(b), which leaves the linkage open; scipy.cluster.hierarchy.

    >>> from epbook.embedding import split
    >>> from epbook.networks import two_layer
    >>> wide = split(two_layer(3, 4, std=1.0), neuron=2, alpha=0.3)
    >>> print(groups(wide, 0.99))
    layer 0: 5 neurons
      4 groups at similarity ≥ 0.99, worst pair 1.0000
      0 neurons of low amplitude
    """
    if not 0 < similarity <= 1:
        raise ValueError(f"similarity must be above 0 and at most 1, got {similarity!r}")
    if not 0 <= low_amplitude < 1:
        raise ValueError(f"low_amplitude must be at least 0 and below 1, got {low_amplitude!r}")
    neurons = Neurons.of(net, layer)
    apart = neurons.distance()
    everyone = np.arange(len(apart))
    constant = everyone[_constant(neurons)] if layers(net)[layer + 1].bias is not None else everyone[:0]
    varying = np.setdiff1d(everyone, constant)
    equal = clusters(apart, varying, EQUAL)
    gain = neurons.gain
    summed = [float(neurons.together(list(group)).norm() * gain[group[0]]) for group in equal]
    largest = max(summed, default=0.0)
    keeps = [amount > low_amplitude * largest for amount in summed]
    if not any(keeps):  # a layer needs a neuron, if only one that contributes nothing
        if equal:
            keeps[0] = True
        else:
            varying, constant = constant[:1], constant[1:]
    low = sorted(k for group, keep in zip(equal, keeps, strict=True) if not keep for k in group)
    members = clusters(apart, np.setdiff1d(varying, low), max(1 - similarity, EQUAL))
    worst = tuple(float(1 - apart[np.ix_(group, group)].max()) for group in members)
    return Groups(
        layer, float(similarity), members, worst, tuple(low), tuple(constant.tolist()), neurons.amplitude
    )


def clusters(apart: np.ndarray, chosen: np.ndarray, height: float) -> tuple[tuple[int, ...], ...]:
    """Complete linkage of the chosen neurons: within a cluster no pair is further apart than `height`."""
    if len(chosen) < 2:
        return tuple((int(k),) for k in chosen)
    tree = linkage(squareform(apart[np.ix_(chosen, chosen)], checks=False), "complete")
    labels = fcluster(tree, height, "distance")
    found = [tuple(chosen[labels == label].tolist()) for label in np.unique(labels)]
    return tuple(sorted(found))  # members ascend, so this is the order of first members


def _constant(neurons: Neurons) -> np.ndarray:
    """Neurons whose input weights w vanish, up to rounding against the layer's largest."""
    weights = neurons.inputs[:, :-1] if neurons.bias else neurons.inputs
    size = weights.norm(dim=1)
    return (size <= 1e-12 * size.max()).numpy() if len(size) else np.zeros(0, dtype=bool)
