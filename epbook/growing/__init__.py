"""The law of a split used forwards: grow a narrow network by splitting the neuron that gains most."""

from epbook.growing.fit import Fit, fit
from epbook.growing.grow import Growth, Stage, grow
from epbook.growing.steepest import Turn, steepest_split

__all__ = ["Fit", "Growth", "Stage", "Turn", "fit", "grow", "steepest_split"]
