"""Every figure of the embedding pages draws what it is given, over the whole grid of its sliders."""

from contextlib import nullcontext

import numpy as np
import pytest

from epbook import figures, page
from epbook.page.narrow import narrowed

page.use_style()  # as in the chapter: titles stand on the left
RNG = np.random.default_rng(0)
STEPS = [0, 10, 100, 1000]
CRITICAL = {1: 0.03, 2: 7e-4, 3: 5e-3, 4: 6e-4}
NEAR = {width: np.array([9.0, 1.0, 0.1 * width, 0.5]) for width in CRITICAL}


def drawn(figure):
    figure.canvas.draw()
    return figure


def through(axes, xy):
    """The lines of a panel that run through these points and no others."""
    return [line for line in axes.lines if np.array_equal(np.asarray(line.get_xydata(), float), xy)]


def test_schematic_names_the_shares_and_scales_the_lines():
    narrow = (RNG.normal(size=(2, 4)), RNG.normal(size=(3, 2)))
    wide = (RNG.normal(size=(3, 4)), RNG.normal(size=(3, 3)))
    figure = drawn(figures.embedding.split_schematic(narrow, wide, neuron=1, alpha=0.3))
    texts = [text.get_text() for text in figure.axes[1].texts]
    assert {"0.7·c", "0.3·c"} <= set(texts)


def test_spectra_count_signs_in_their_titles():
    figure = drawn(figures.embedding.spectra({"m = 2": [-1.0, 0.0, 1e-17, 2.0], "m = 3": [1.0]}, 1e-12))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["m = 2\n(1, 2, 1)", "m = 3\n(0, 0, 1)"]


@pytest.mark.parametrize("width", [2, 3, 4])
def test_width_slider_over_its_grid(width):
    values = {m: np.r_[-np.ones(m - 2), np.zeros(m - 2), np.ones(m)] for m in (2, 3, 4)}
    figure = drawn(figures.embedding.width_frame(width, values, 1e-12))
    assert figure.axes[0].get_title(loc="left") == f"width {width}: {width - 2}, {width - 2}, {width}"
    broad = {line.get_label(): line.get_linewidth() for line in figure.axes[1].lines}
    assert broad["zero"] > 3 * broad["negative"]  # where both counts agree, one is seen behind the other
    with pytest.raises(KeyError):
        figures.embedding.width_frame(9, values, 1e-12)


@pytest.mark.parametrize("alpha", np.linspace(-1, 2, 13).round(10))
def test_alpha_slider_over_its_grid(alpha):
    figure = drawn(figures.embedding.alpha_frame(alpha, [-1.0, 0.0, 1.0], (1, 1, 0), (0, 0, 1), 1e-12))
    marks = [line.get_xdata()[0] for line in figure.axes[1].lines]
    assert marks == [1, 1, 1]  # the counted signs


def test_line_sweep_and_outputs():
    alpha, step = np.linspace(-1, 2, 7), np.linspace(-1, 1, 5)
    excess = np.outer(step**2, alpha * (alpha - 1))
    left, right, bar = drawn(figures.embedding.critical_line(alpha, step, excess, 0.03)).axes
    assert np.array_equal(left.collections[0].get_array(), excess)
    for column, label in ((1, "α = −0.5"), (3, "α = 0.5"), (4, "α = 1.0")):
        assert [line.get_label() for line in through(right, np.c_[step, excess[:, column]])] == [label]
    assert bar.get_ylim() == pytest.approx((-abs(excess).max(), abs(excess).max()))
    assert left.get_title(loc="left") == "loss minus 0.0300"
    law = np.stack([alpha * (1 - alpha), -alpha * (1 - alpha), 0 * alpha], axis=1)
    figure = drawn(figures.embedding.alpha_sweep(alpha, law, [1, 1, 0, 1, 0, 1, 1], 1e-12))
    top, below = figure.axes
    for column in np.sort(law, axis=1).T:
        assert through(top, np.c_[alpha, column])
        for sign, mask in (("negative", column < -1e-12), ("positive", column > 1e-12)):
            spots = through(top, np.c_[alpha[mask], column[mask]])
            assert page.SIGN_COLOURS[sign] in [line.get_color() for line in spots]
    assert below.lines[0].get_ydata().tolist() == [1, 1, 0, 1, 0, 1, 1]
    assert below.get_xlabel() == "α"
    added = {"α = 0": [0, 1, 2], "α = 0.5": [1, 2, 3]}
    (axes,) = drawn(figures.embedding.added_by_outputs([1, 2, 3], added)).axes
    shown = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert shown == {**added, "outputs − 1": [0, 1, 2]}


def test_volumes_have_a_median_and_a_band():
    heights = np.geomspace(1e-8, 1e-4, 20)
    repeated = {m: np.geomspace(1e-9, 1e-2, 20) * np.array([[1.0], [3.0], [2.0]]) / m for m in (1, 2)}
    for panels in ({"one": repeated, "other": repeated}, {"one": repeated}):
        figure = drawn(figures.journey.volumes(heights, panels))
        assert [axes.get_title(loc="left") for axes in figure.axes] == list(panels)
        for axes in figure.axes:
            for (width, curves), band in zip(repeated.items(), axes.collections, strict=True):
                (line,) = through(axes, np.c_[heights, curves[2]])
                assert line.get_label() == f"from width {width}"
                edges = band.get_paths()[0].vertices[:, 1]
                assert np.isin(curves[:2], edges).all()


def test_escapes_show_the_runs_that_stay():
    runs = {"equal shares": [(3, 10.0, True), (4, 12.0, True)], "random shares": [(3, 99.0, False)]}
    units = ("flow time", "steps")
    law = {unit: {4: 11.0, 3: 9.0} for unit in units}
    figure = drawn(figures.journey.escapes(dict.fromkeys(units, runs), law))
    for axes in figure.axes:
        assert [text.get_text() for text in axes.get_xticklabels()] == ["3", "4"]
        assert len(through(axes, [[3, 9.0], [4, 11.0]])) == 1
        (left,), (stays,) = through(axes, [[4, 12.0]]), through(axes, [[3, 99.0]])
        assert left.get_markerfacecolor() == left.get_color() == page.SERIES[0]
        assert stays.get_markerfacecolor() == "none"
        arrow = next(text for text in axes.texts if text.arrow_patch is not None)
        assert axes.get_ylim()[1] > arrow.xy[1] > 99.0


@pytest.mark.parametrize("index", range(len(STEPS)))
def test_journey_slider_over_its_grid(index):
    grid = np.linspace(-1, 1, 5)
    curves = np.stack([grid * k for k in range(len(STEPS))])
    stations = {width: grid / width for width in CRITICAL}
    losses = np.array([0.4, 0.03, 1e-3, 1e-9])
    steps = np.array(STEPS)
    figure = drawn(
        figures.journey.journey_frame(
            index, steps, losses, NEAR, CRITICAL, curves, stations, grid, (grid, grid**2)
        )
    )
    left, right = figure.axes
    assert left.get_title(loc="left") == f"step {STEPS[index]:,}"
    assert len(through(left, [[STEPS[index], losses[index]]])) == 1
    nearest = min(NEAR, key=lambda width: NEAR[width][index])
    assert len(through(right, np.c_[grid, grid**2])) == 1
    assert "wide network" in [line.get_label() for line in through(right, np.c_[grid, curves[index]])]
    (station,) = [line for line in right.lines if line.get_label().startswith("nearest")]
    assert station.get_color() == page.width_colour(nearest)
    assert np.array_equal(station.get_ydata(), stations[nearest])


def test_distances():
    steps, losses = np.array(STEPS[1:]), np.array([0.03, 1e-3, 1e-9])
    near = {width: distance[1:] for width, distance in NEAR.items()}
    top, below = drawn(figures.journey.distances(steps, losses, near, CRITICAL)).axes
    assert len(through(top, np.c_[steps, losses])) == 1
    for width, distance in near.items():
        (line,) = through(below, np.c_[steps, distance])
        assert line.get_color() == page.width_colour(width)
        low = distance.argmin()
        assert through(below, [[steps[low], distance[low]]])
        assert CRITICAL[width] in [line.get_ydata()[0] for line in top.lines]


def test_journeys_end_in_dots_and_the_best_one_is_thick():
    steps = np.array([1, 10, 100])
    losses = np.geomspace(0.3, 1e-9, 18).reshape(3, 6).T
    figure = drawn(figures.journey.journeys(steps, losses, 2, CRITICAL))
    (axes,) = figure.axes
    widths = [line.get_linewidth() for curve in losses for line in through(axes, np.c_[steps, curve])]
    assert len(widths) == 6
    assert max(widths) == widths[2] > max(widths[:2] + widths[3:])
    assert all(through(axes, [[100, curve[-1]]]) for curve in losses)


@pytest.mark.parametrize("phone", [False, True])
def test_names_of_the_levels_meet_neither_a_curve_nor_one_another(phone):
    steps = np.array([1, 10, 100])
    curve, to = np.array([0.3, 1e-2, 1e-10]), {width: np.array([9.0, 0.1, 1.0]) for width in CRITICAL}
    for figure in (
        figures.journey.journeys(steps, np.tile(curve, (6, 1)), 2, CRITICAL),
        figures.journey.distances(steps, curve, to, CRITICAL),
    ):
        with narrowed(figure) if phone else nullcontext():
            figure.draw_without_rendering()
            axes = figure.axes[0]
            assert [text.get_text() for text in axes.texts] == ["1 neuron", "3 neurons", "2 and 4"]
            boxes = [text.get_window_extent() for text in axes.texts]
            assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
            assert min(box.x0 for box in boxes) >= axes.bbox.x1, "beside the panel"
            assert max(box.x1 for box in boxes) <= figure.bbox.x1 + 1


def test_growing_neurons_have_the_colour_of_their_kind():
    steps, sizes = np.array([1, 10, 100]), np.geomspace(1e-6, 1, 12).reshape(3, 4)
    kinds = {"carry": [True, False, False, False], "late": [False, True, True, False], "never": [False] * 4}
    kinds = {name: np.array(chosen) for name, chosen in kinds.items()}
    _, below = drawn(figures.journey.growing(steps, [1.0, 0.1, 0.01], sizes, kinds)).axes
    for neuron, colour in ((0, page.COPIES[0]), (1, page.COPIES[1]), (2, page.COPIES[1])):
        assert [line.get_color() for line in through(below, np.c_[steps, sizes[:, neuron]])] == [colour]
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["carry", "late"]


def test_legends_stay_within_a_phone():
    unit = {"equal shares": [(3, 10.0, True)], "random shares": [(3, 99.0, False)]}
    names = ("carry the ramp", "grow late", "stay small")
    kinds = {name: np.arange(3) == index for index, name in enumerate(names)}
    for figure in (
        figures.embedding.alpha_frame(0.5, [-1.0, 0.0, 1.0], (1, 1, 1), (0, 0, 6), 1e-12),
        figures.journey.growing([1, 10], [1.0, 0.1], np.ones((2, 3)), kinds),
        figures.journey.escapes(
            {"flow time": unit, "steps": unit}, {"flow time": {3: 9.0}, "steps": {3: 9.0}}
        ),
    ):
        with narrowed(figure):
            drawn(figure)
            own = [axes.get_legend() for axes in figure.axes]
            boxes = [legend.get_window_extent() for legend in [*figure.legends, *own] if legend is not None]
            assert boxes
            assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)
