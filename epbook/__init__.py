"""The embedding principle of neural-network loss landscapes, as code: the helper package of the book."""

from epbook import data
from epbook.networks import layers, parts, sequential, two_layer

__all__ = ["data", "layers", "parts", "sequential", "two_layer"]
