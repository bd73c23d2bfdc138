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


def test_one_panel_for_each_method_and_a_legend_that_covers_no_curve():
    curve = np.ones(3)
    figure = units.trajectories(dict.fromkeys("abc", (curve, curve)))
    assert len(figure.axes) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["narrow", "wide"]
    assert all(axes.get_legend() is None for axes in figure.axes)


def test_kernels_stand_group_by_group_and_copies_in_frames_of_one_colour():
    weights = np.random.default_rng(0).normal(size=(9, 2, 3))
    groups = [(0, 4), (1, 2, 3), (5,)]
    left, right = units.kernels({"small": (weights, groups), "usual": (weights, [(8,), (7,)])}).axes
    assert left.get_title(loc="left") == "small:\n6 filters, 3 groups"
    mosaic = left.images[0].get_array()
    for place, member in enumerate([0, 4, 1, 2, 3, 5]):
        kernel = weights[member] / np.linalg.norm(weights[member])
        assert np.array_equal(mosaic[:2, 4 * place : 4 * place + 3], kernel)
    colours = [frame.get_edgecolor() for frame in left.patches]
    assert [colours.count(colour) for colour in dict.fromkeys(colours)] == [2, 3], "none for a channel alone"
    assert not right.patches
