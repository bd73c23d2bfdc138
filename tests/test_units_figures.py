"""The figures of the page on units show the numbers they are given."""

import numpy as np

from epbook.figures import units


def test_bars_are_predicted_and_dots_are_counted():
    figure = units.kinds({"head": ((2, 1, 3), (2, 1, 4))}, 0.5, limit=10)
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [-2, 3, 1]
    [dots] = [line for line in axes.lines if line.get_marker() == "o"]
    assert dots.get_xdata().tolist() == [-2, 4, 11]


def test_zeros_are_drawn_at_the_floor_of_the_walk():
    figure = units.walk([0, 1], [0.0, 1e-16], [1e-3, 1e-3])
    assert min(figure.axes[0].lines[0].get_ydata()) == 1e-18


def test_one_panel_for_each_method_and_one_picture_for_each_kernel():
    curve = np.ones(3)
    assert len(units.trajectories(dict.fromkeys("abc", (curve, curve))).axes) == 3
    figure = units.kernels(np.random.default_rng(0).normal(size=(9, 2, 2)), [(0, 4), (1, 2, 3), (5,)])
    assert [axes.get_title() for axes in figure.axes][:3] == ["group 1", "group 1", "group 2"]
    assert len(figure.axes) == 6
