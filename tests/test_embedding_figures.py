"""Every figure of the chapter draws what it is given, over the whole grid of its sliders."""

import numpy as np
import pytest

from epbook import figures, page

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
    assert figure.axes[0].get_title(loc="left") == f"width {width}"
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
    for column, label in ((1, "α = -0.5"), (3, "α = 0.5"), (4, "α = 1.0")):
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


def test_volumes_and_escapes():
    curves = {
        name: {m: (np.geomspace(1e-9, 1e-2, 50), np.geomspace(1e-10, top / m, 50)) for m in (1, 2, 3)}
        for name, top in (("one", 1.0), ("other", 0.5))
    }
    for panels in (curves, {"one": curves["one"]}):
        figure = drawn(figures.journey.volumes(panels))
        assert [axes.get_title(loc="left") for axes in figure.axes] == list(panels)
        for axes, lines in zip(figure.axes, panels.values(), strict=True):
            for width, curve in lines.items():
                (line,) = through(axes, np.stack(curve, axis=1))
                assert line.get_label() == f"from width {width}"
    equal = np.array([[np.nan, np.nan], [10.0, 12.0]])
    figure = drawn(figures.journey.escapes([3, 4], equal, [9.0, 11.0], {3: [1.0], 4: [2.0, 3.0]}))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["3", "4"]
    assert len(through(axes, [[3, 9.0], [4, 11.0]])) == 1
    for spots, colour in zip(([[4, 10.0], [4, 12.0]], [[4, 2.0], [4, 3.0]]), page.SERIES, strict=False):
        assert [line.get_color() for line in through(axes, spots)] == [colour]


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


def test_distances_and_map():
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
    castle = RNG.normal(size=20)
    paths = [np.linspace(np.zeros(20), castle, 6) for _ in range(3)]
    stations = {0: np.zeros(20)} | {width: RNG.normal(size=20) for width in (1, 2)}
    (axes,) = drawn(figures.journey.travel_map(paths, stations, castle)).axes
    ways = [line for line in axes.lines if len(line.get_xdata()) == 6]
    assert len(ways) == len(paths)
    (goal,) = axes.collections[0].get_offsets()
    for way in ways:  # all travel straight to the castle, in ever smaller steps as they are drawn
        assert np.allclose(way.get_xydata()[-1], goal)
    names = [text.get_text() for text in axes.texts]
    assert names == [
        "start: the zero function", "station: 1 neuron", "station: 2 neurons", "castle: the data fitted"
    ]  # fmt: skip
    stops = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "s"]
    assert np.allclose(stops[0], ways[0].get_xydata()[0])
