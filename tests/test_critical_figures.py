"""The figures of the chapter on critical points draw what they are given, over the whole grids of sliders."""

import itertools
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest

import epbook as ep
from epbook.figures import critical
from epbook.figures.gapped import Gapped
from epbook.page import HERE, SIGN_COLOURS, width_colour

GRID = np.linspace(-1, 1, 5)
RISK, MINIMA = np.add.outer(GRID**2, GRID**2), np.array([[0.5, 0.5], [-0.5, -0.5]])


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        ep.page.use_style()
        yield


def flow(seed):
    draw = np.random.default_rng(seed)
    times, losses = np.sort(draw.random(6)), -np.sort(-draw.random(6))
    return SimpleNamespace(times=times, losses=losses, parameters=draw.random((6, 2)))


def drawn(axes, xy):
    """The lines of a panel that run through these points and no others."""
    return [line for line in axes.lines if np.array_equal(np.asarray(line.get_xydata(), float), xy)]


def test_landscape_shows_each_path_and_its_loss():
    flows = [flow(0), flow(1), flow(2)]
    left, right = critical.landscape(GRID, RISK, flows, MINIMA).axes
    for each in flows:
        (path,), (start,) = drawn(left, each.parameters), drawn(left, each.parameters[:1])
        (loss,) = drawn(right, np.c_[each.times, each.losses])
        assert path.get_color() == start.get_color() == loss.get_color()
    (minima,) = drawn(left, MINIMA)
    assert minima.get_color() == SIGN_COLOURS["positive"]
    (saddle,) = drawn(left, [[0, 0]])
    assert saddle.get_color() == SIGN_COLOURS["negative"]
    assert (left.get_xlabel(), left.get_ylabel(), right.get_xlabel()) == ("w", "a", "time t")


@pytest.mark.parametrize("exponent", [-3.0, -2.0])
def test_released_marks_the_path_of_its_exponent(exponent):
    flows = {-3.0: flow(0), -2.0: flow(1)}
    left, right = critical.released(GRID, RISK, MINIMA, flows, exponent).axes
    for known, each in flows.items():
        assert len(drawn(left, each.parameters)) == (known == exponent)
        colours = [line.get_color() for line in drawn(right, np.c_[each.times, each.losses])]
        assert (HERE in colours) == (known == exponent)


def test_polishing_draws_sizes_coloured_by_sign():
    (axes,) = critical.polishing(np.array([-1.0, 1e-17, 2.0]), np.array([0.0, 3.0]), 1e-15).axes
    bars = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 3]
    seen = [(round(np.mean(bar.get_xdata())), bar.get_ydata()[0], bar.get_color()) for bar in bars]
    minus, zero, plus = (SIGN_COLOURS[sign] for sign in ("negative", "zero", "positive"))
    assert seen == [(0, 1.0, minus), (0, 1e-17, zero), (0, 2.0, plus), (1, 1e-18, zero), (1, 3.0, plus)]
    assert [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"] == [1e-15]
    assert axes.get_yscale() == "log"


def test_dwell_rescales_by_the_curvature():
    offsets = 10.0 ** np.arange(-4, -1)
    times = {"one": -np.log(offsets), "other": 2 - np.log(offsets)}
    left, right = critical.dwell(offsets, times, {"one": 1.0, "other": 2.0}).axes
    for name, curvature in (("one", 1.0), ("other", 2.0)):
        (line,) = drawn(left, np.c_[offsets, times[name]])
        assert line.get_label() == name
        assert len(drawn(right, np.c_[offsets, curvature * times[name]])) == 1
    slopes = np.diff(right.lines[-1].get_ydata()) / np.diff(np.log(1 / offsets))
    assert np.allclose(slopes, 1)


POINTS = {
    1: [(5.0, (2, 1, 0)), (0.11, (0, 0, 3))],
    2: [(0.11, (1, 1, 1)), (0.09, (1, 0, 2)), (0.07, (0, 0, 3)), (0.07, (0, 0, 3))],
    3: [(0.1, (1, 0, 2)), (0.08, (1, 0, 2)), (0.0, (0, 2, 1))],
}
FOUND = {
    width: [
        SimpleNamespace(loss=loss, inertia=ep.inertia(np.diag(np.repeat([-2.0, 0.0, 3.0], counts))))
        for loss, counts in points
    ]
    for width, points in POINTS.items()
}


def marks(axes, **wanted):
    """Where the single marks of a panel stand that look as wanted."""
    found = [line for line in axes.lines if len(line.get_xdata()) == 1]
    for name, value in wanted.items():
        found = [line for line in found if getattr(line, f"get_{name}")() == value]
    return {(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in found}


def test_diagram_shows_kind_level_and_what_training_reached():
    figure = critical.diagram(FOUND, {2: [0.07], 3: [0.0]})
    (axes,) = figure.axes
    minima = marks(axes, marker="o", color=SIGN_COLOURS["positive"])
    saddles = marks(axes, marker="X")
    level = Gapped.of(loss for points in POINTS.values() for loss, _ in points)
    assert {(round(x), y) for x, y in minima} == {(1, level(0.11)), (2, level(0.07)), (3, level(0.0))}
    assert len(minima) == 4, "two minima of one loss stand side by side"
    assert {(round(x), y) for x, y in saddles} == {
        (width, level(loss)) for width, points in POINTS.items() for loss, signs in points if signs[0]
    }
    assert {(round(x), y) for x, y in marks(axes, marker="_")} == {
        (1, level(5.0)), (2, level(0.11)), (3, level(0.0))
    }  # fmt: skip
    rings = marks(axes, marker="o", markerfacecolor="none")
    assert rings == {spot for spot in minima if spot[0] >= 2}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "minimum", "saddle", "with a flat direction", "reached by training"
    ]  # fmt: skip


CURVES = [
    (width, point, number, (GRID, point.loss * GRID))
    for width, points in FOUND.items()
    for number, point in enumerate(points)
]


@pytest.mark.parametrize("index", range(len(CURVES)))
def test_portrait_of_every_point(index):
    width, point, _, (at, output) = CURVES[index]
    left, top, bottom = critical.portrait(FOUND, GRID, GRID**2, CURVES, index).axes
    ((x, _),) = marks(left, markerfacecolor="none")
    assert round(x) == width
    assert len(drawn(top, np.c_[GRID, GRID**2])) == 1
    (curve,) = drawn(top, np.c_[at, output])
    assert curve.get_color() == width_colour(width)
    assert top.get_title(loc="left") == f"width {width}, loss {point.loss:.4f}"
    for sign, value in (("negative", -2.0), ("zero", 0.0), ("positive", 3.0)):
        ticks = [line for line in bottom.lines if line.get_color() == SIGN_COLOURS[sign]]
        assert [line.get_xdata()[0] for line in ticks] == [value] * getattr(point.inertia, sign)
    assert bottom.get_title(loc="left") == "{} down, {} flat, {} up".format(*point.inertia)


def test_channel_shows_both_decays_and_the_two_neurons():
    sizes = 10.0 ** np.arange(3)
    left, right = critical.channel(sizes, 1 / sizes, 2 / sizes, [(7.0, GRID, -(GRID**2))], GRID).axes
    assert drawn(left, np.c_[sizes, 1 / sizes])[0].get_label() == "‖∇R‖₁"
    assert drawn(left, np.c_[sizes, 2 / sizes])[0].get_label() == "loss above its limit"
    for values, style in ((GRID, "--"), (-(GRID**2), "--"), (GRID - GRID**2, "-")):
        assert [line.get_linestyle() for line in drawn(right, np.c_[GRID, values])] == [style]


def test_the_legend_of_the_channel_lies_below_its_curves():
    _, right = critical.channel(GRID + 9, GRID + 9, GRID + 9, [(7.0, GRID, -GRID)], GRID).axes
    right.figure.draw_without_rendering()
    lowest = right.transData.transform((0, min(min(line.get_ydata()) for line in right.lines)))[1]
    assert right.get_legend().get_window_extent().y1 < lowest


@pytest.mark.parametrize(
    ("values", "breaks"),
    [
        ([0.5], 0),
        ([0.0, 1.0], 1),
        ([1.0, 2.0, 3.0, 4.0], 0),
        ([0.1, 0.2, 0.3, 9.0], 1),
        ([-50.0, 0.1, 0.2, 0.3, 90.0], 2),
        ([0.3, 0.3 + 1e-9, 0.4, 0.5], 0),
    ],
)
def test_only_long_gaps_are_drawn_short(values, breaks):
    scale = Gapped.of(values)
    heights = [scale(value) for value in sorted(values)]
    assert len(scale.breaks) == breaks
    assert all(low <= high for low, high in itertools.pairwise(heights))
    near = 1e-6 * max(map(abs, values))
    assert all(min(values) - near <= tick <= max(values) + near for tick in scale.ticks)
    assert all(not any(abs(scale(tick) - gap) < 0.05 for gap in scale.breaks) for tick in scale.ticks)
    with pytest.raises(ValueError, match="at least one"):
        Gapped.of([])
