"""The neurons of a layer one by one: orientation, amplitude, and which of them do the same thing.

Training reads from them what a network has learned, reduction which neurons can be merged.
"""

from epbook.neurons.clusters import clusters, distance, equal_up_to
from epbook.neurons.effective import effective_neurons
from epbook.neurons.layer import Neurons, features, lengths, unit
from epbook.neurons.mean import coefficient, mean_neuron

__all__ = [
    "Neurons",
    "clusters",
    "coefficient",
    "distance",
    "effective_neurons",
    "equal_up_to",
    "features",
    "lengths",
    "mean_neuron",
    "unit",
]
