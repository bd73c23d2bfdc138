"""Every figure of the chapter draws what it is given, over the whole grid of its sliders."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from epbook import figures, page

page.use_style()  # as in the chapter: titles stand on the left
RNG = np.random.default_rng(0)
STEPS = [0, 10, 100, 1000]
CRITICAL = {1: 0.03, 2: 7e-4, 3: 5e-3, 4: 6e-4}
NEAR = {width: np.array([9.0, 1.0, 0.1 * width, 0.5]) for width in CRITICAL}


def drawn(figure):
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return figure


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
    drawn(figures.embedding.critical_line(alpha, step, excess, 0.03))
    law = np.stack([alpha * (1 - alpha), -alpha * (1 - alpha), 0 * alpha], axis=1)
    figure = drawn(figures.embedding.alpha_sweep(alpha, law, [1, 1, 0, 1, 0, 1, 1], 1e-12))
    assert figure.axes[1].get_xlabel() == "α"
    drawn(figures.embedding.added_by_outputs([1, 2, 3], {"α = 0": [0, 1, 2], "α = 0.5": [1, 2, 3]}))


def test_volumes_and_escapes():
    curve = (np.geomspace(1e-9, 1e-2, 50), np.geomspace(1e-10, 1, 50))
    drawn(
        figures.journey.volumes(
            {"one": {1: curve, 2: curve, 3: curve}, "other": {1: curve, 2: curve, 3: curve}}
        )
    )
    equal = np.array([[np.nan, np.nan], [10.0, 12.0]])
    figure = drawn(figures.journey.escapes([3, 4], equal, [9.0, 11.0], {3: [1.0], 4: [2.0, 3.0]}))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["3", "4"]


@pytest.mark.parametrize("index", range(len(STEPS)))
def test_journey_slider_over_its_grid(index):
    grid = np.linspace(-1, 1, 5)
    curves = np.stack([grid * k for k in range(len(STEPS))])
    stations = {width: grid / width for width in CRITICAL}
    losses = [0.4, 0.03, 1e-3, 1e-9]
    figure = drawn(
        figures.journey.journey_frame(
            index, STEPS, losses, NEAR, CRITICAL, curves, stations, grid, (grid, grid)
        )
    )
    assert figure.axes[0].get_title(loc="left") == f"step {STEPS[index]:,}"


def test_distances_and_map():
    drawn(
        figures.journey.distances(
            STEPS[1:], [0.03, 1e-3, 1e-9], {w: d[1:] for w, d in NEAR.items()}, CRITICAL
        )
    )
    castle = RNG.normal(size=20)
    paths = [np.linspace(np.zeros(20), castle, 6) for _ in range(3)]
    stations = {0: np.zeros(20)} | {width: RNG.normal(size=20) for width in (1, 2)}
    drawn(figures.journey.travel_map(paths, stations, castle))
