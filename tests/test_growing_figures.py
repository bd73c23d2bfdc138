"""The figures of the page on growing show the numbers they are given."""

import numpy as np

from epbook.figures import growing


def test_a_stage_shows_data_output_and_every_neuron():
    x = np.linspace(-1, 1, 5)
    figure = growing.stages(x, x, {"S": (x, np.outer(x, [1.0, 2.0]), 0.25), "new": (x, x[:, None], 1e-9)})
    left, right = figure.axes
    assert [len(left.lines), len(right.lines)] == [4, 3]
    assert np.array_equal(left.lines[2].get_ydata(), 2 * x)
    assert "2.5e-01" in (left.get_title() or left.get_title(loc="left"))


def test_medians_stand_with_their_intervals_and_the_restarts_beside_them():
    figure = growing.medians({"task": {"S": (-2.0, -3.0, -1.0, -4.0), "copy": (-5.0, -6.0, -4.5, -7.0)}})
    lines = figure.axes[0].lines
    assert [list(line.get_xdata()) for line in lines[:3]] == [[-3.0, -1.0], [-2.0], [-4.0]]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["S", "copy"]
