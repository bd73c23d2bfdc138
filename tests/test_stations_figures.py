"""The figures of what sits at the lines: every candidate, every rest of the tree, in its place."""

import matplotlib
import numpy as np

import epbook as ep
from epbook.figures import stations
from epbook.page.narrow import narrowed

CANDIDATES = np.array([[-0.4, 0], [-1.5, 1], [-2.0, 2], [-2.5, 7]])


def test_identified_draws_all_narrow_candidates_and_marks_those_met():
    shares = {1: np.array([0.0, 1.0, 0.0]), 50: np.array([0.5, 0.001, 0.499])}
    figure = stations.identified(np.array([-3.0, -2.0, -1.0]), shares, CANDIDATES, CANDIDATES[1:2])
    top, below = figure.axes
    rug, met = top.lines
    assert np.array_equal(np.asarray(rug.get_xydata()), CANDIDATES[:3]), "up to five neurons"
    assert np.asarray(met.get_xydata()).tolist() == [[-1.5, 1.0]]
    assert met.get_color() != rug.get_color()
    assert [line.get_xdata()[0] for line in below.lines] == [-1.5]
    assert [(bar.get_x() + bar.get_width() / 2, bar.get_y() + 0.4) for bar in below.patches] == [
        (-2.0, 0), (-3.0, 1), (-1.0, 1)
    ]  # fmt: skip


def test_growth_draws_every_rest_below_its_parent_filled_where_a_line_is():
    rests = ep.training.growth_tree(*ep.data.relu_teacher(), depth=2)
    (axes,) = stations.growth(rests, [-0.4375, -1.5625]).axes
    dots = [line for line in axes.lines if len(line.get_xdata()) == 1]
    edges = [line for line in axes.lines if len(line.get_xdata()) == 2]
    places = [(np.log10(rest.loss), rest.width) for rest in rests]
    assert [tuple(np.ravel(dot.get_xydata())) for dot in dots] == places
    assert [dot.get_markerfacecolor() != "none" for dot in dots] == [True, True, False, False]
    assert len(edges) == len(rests) - 1
    for edge, rest in zip(edges, rests[1:], strict=True):
        above, below = np.asarray(edge.get_xydata())
        assert above[1] + 1 == below[1] == rest.width
    assert len(axes.patches) == 2


def test_titles_fit_a_phone():
    shares = {1: np.array([0.0, 1.0, 0.0])}
    with matplotlib.rc_context():
        ep.page.use_style()
        figure = stations.identified(np.array([-3.0, -2.0, -1.0]), shares, CANDIDATES, CANDIDATES[1:2])
    with narrowed(figure):
        figure.draw_without_rendering()
        for axes in figure.axes:
            assert axes.get_tightbbox().x1 <= figure.bbox.x1 + 1
