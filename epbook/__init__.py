"""The embedding principle of neural-network loss landscapes, as code: the helper package of the book."""

from epbook import data, figures
from epbook.claims import Claims
from epbook.explore import Axis, explore
from epbook.glue import glue
from epbook.networks import layers, parts, sequential, two_layer

__all__ = ["Axis", "Claims", "data", "explore", "figures", "glue", "layers", "parts", "sequential", "two_layer"]
