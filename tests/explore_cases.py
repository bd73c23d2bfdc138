"""A figure for the tests of `explore`."""

from epbook.page import COLOURS, subplots


def line(slope, *, height=1.0):
    """A straight line."""
    figure, axes = subplots(figsize=(2, 1.5))
    axes.plot([0, 1], [0, slope * height], color=COLOURS["blue"])
    axes.set(xlim=(0, 1), ylim=(-2, 2), xlabel="$x$")
    return figure
